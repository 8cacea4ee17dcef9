package contrib_test

import (
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"dbsep/internal/config"
)

// TestCompose reads the example for containers. Its variables are settings of dbsep, and no
// address is open to other machines.
func TestCompose(t *testing.T) {
	text, err := os.ReadFile("container/compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Services map[string]struct {
			Image       string
			Environment map[string]string
			Ports       []string
		}
		Volumes map[string]any
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	dbsep := file.Services["dbsep"]
	environ := []string{"DBSEP_SERVER_LISTEN=0.0.0.0:8000"} // of the Containerfile
	for name, value := range dbsep.Environment {
		environ = append(environ, name+"="+value)
	}
	c, err := config.Parse("", nil, environ...)
	if err != nil || len(c.Server.Allow) == 0 || c.DSN == "" {
		t.Errorf("%v: %+v", err, c)
	}
	if len(dbsep.Ports) != 1 || !strings.HasPrefix(dbsep.Ports[0], "127.0.0.1:") || file.Services["database"].Image == "" {
		t.Errorf("got %+v", file)
	}
}
