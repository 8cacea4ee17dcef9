package contrib_test

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"

	"dbsep/internal/config"
)

// TestMemoryMaxIsMoreThanTheDefaultsNeed computes what docs/running.md says.
func TestMemoryMaxIsMoreThanTheDefaultsNeed(t *testing.T) {
	most := regexp.MustCompile(`(?m)^MemoryMax=(\d+)G$`).FindStringSubmatch(read(t, "systemd/dbsep.service"))
	if most == nil {
		t.Fatal("the service has no MemoryMax")
	}
	gigabytes, err := strconv.ParseInt(most[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	const m = 1 << 20
	c := config.Default()
	clients := int64(c.Limits.MaxClients) * 144 << 10
	budgets := 2 * (c.Limits.BodyMemory + c.Limits.ResponseMemory)
	rows := 6 * int64(c.Database.MaxConnections) * c.Limits.MaxRowBytes
	if sum := 64*m + clients + budgets + rows; sum > gigabytes<<30 || sum < gigabytes<<30/2 {
		t.Errorf("MemoryMax=%dG, and the sum is %dM", gigabytes, sum/m)
	}
	manual := read(t, "../docs/running.md")
	for _, part := range []int64{clients, budgets, rows} {
		if !regexp.MustCompile(fmt.Sprintf(`\| %dM \|`, part/m)).MatchString(manual) {
			t.Errorf("docs/running.md lacks a row of %dM", part/m)
		}
	}
}
