package speed

import "testing"

// TestAnswers shows that each request that is going to be measured gets the right
// response.
func TestAnswers(t *testing.T) {
	baseline := buildBeside(t, "baseline")
	for _, kind := range sites {
		t.Run(kind.kind, func(t *testing.T) {
			s := kind.open(t, some)
			for _, p := range []*program{s.startBaseline(t, baseline), s.startServe(t)} {
				for _, l := range loads() {
					for _, q := range l.questions {
						if err := s.ask(t, p.base, q); err != nil {
							t.Errorf("%s: %s: %v", p.name, l.name, err)
						}
					}
				}
			}
		})
	}
}
