//go:build e2e

package asterisk

import (
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"dbsep/internal/testenv"
)

var queueFeatures = []feature{
	{"queues: a queue and its members, with penalty, pause, reason and state interface", func(t *testing.T, p *pbx) {
		const command = "queue show support"
		p.shows(t, command, "support has 0 calls", "'linear' strategy")
		p.shows(t, command, "Agent One (Local/agent1@agents from Custom:agent1) with penalty 2 (ringinuse disabled) (realtime)")
		p.shows(t, command, "Local/agent2@agents (ringinuse enabled) (realtime) (paused:lunch")
		p.shows(t, command, "Bob (PJSIP/bob) with penalty 1 (ringinuse disabled) (realtime) (Not in use)")
	}},
	{"queue_rules: a rule in the order of its times", func(t *testing.T, p *pbx) {
		p.shows(t, "queue show rules", "Rule: rtrule", "After 10 seconds", "After 30 seconds", "After 120 seconds, adjust QUEUE_MAX_PENALTY to 10, adjust QUEUE_MIN_PENALTY by 1")
	}},
	{"queue_members: pause with a reason", func(t *testing.T, p *pbx) {
		p.cli(t, "queue pause member PJSIP/bob queue support reason", "a;b^c=d&e+é")
		p.shows(t, "queue show support", "Bob (PJSIP/bob)", "(paused:a;b^c=d&e+é")
		p.says(t, []string{column("paused", "1"), column("reason_paused", "a;b^c=d&e+é")}, "realtime load queue_members uniqueid 11")
	}},
	{"queue_members: unpause", func(t *testing.T, p *pbx) {
		p.cli(t, "queue unpause member PJSIP/bob queue support reason back")
		p.says(t, []string{column("paused", "0")}, "realtime load queue_members uniqueid 11")
		p.hides(t, "queue show support", "a;b^c=d&e")
	}},
	{"queue_members: penalty", func(t *testing.T, p *pbx) {
		p.cli(t, "queue set penalty 7 on PJSIP/bob in support")
		p.shows(t, "queue show support", "Bob (PJSIP/bob) with penalty 7")
		p.says(t, []string{column("penalty", "7")}, "realtime load queue_members uniqueid 11")
	}},
	{"queue_members: ringinuse", func(t *testing.T, p *pbx) {
		p.cli(t, "queue set ringinuse yes on PJSIP/bob in support")
		p.shows(t, "queue show support", "Bob (PJSIP/bob) with penalty 7 (ringinuse enabled)")
	}},
	{"queue_members: a new row is a new member, a deleted row none", func(t *testing.T, p *pbx) {
		p.exec(t, `INSERT INTO queue_members (queue_name, interface, membername, penalty, paused, uniqueid) VALUES ('sales', 'Local/agent3@agents', 'Agent Three', 5, 0, 33)`)
		p.shows(t, "queue show sales", "Agent Three (Local/agent3@agents) with penalty 5")
		p.exec(t, `DELETE FROM queue_members WHERE uniqueid = 33`)
		p.hides(t, "queue show sales", "Agent Three")
	}},
	{"queue_members: the order of a linear queue is that of a column", testOrderOfMembers},
	{"queue_log: what happened to a member", func(t *testing.T, p *pbx) {
		p.shows(t, "realtime load queue_log event PAUSE", column("queuename", "support"), column("agent", "Bob"), column("data1", "a;b^c=d&e+é"))
		p.shows(t, "realtime load queue_log event UNPAUSE", column("data1", "back"))
		p.shows(t, "realtime load queue_log event PENALTY", column("data1", "7"))
	}},
	{"queues: a call reaches a member, and its story is in queue_log", func(t *testing.T, p *pbx) {
		p.runs(t, "queue@services")
		p.comes(t, "GLOBAL(AGENT)", "answered")
		for _, event := range []string{"ENTERQUEUE", "CONNECT", "COMPLETEAGENT"} {
			p.shows(t, "realtime load queue_log event "+event, column("queuename", "sales"), column("event", event))
		}
		p.shows(t, "queue show sales", "Agent One", "has taken 1 calls")
	}},
}

// testOrderOfMembers calls queues with strategy=linear, whose members were not added in
// the order of their interfaces: as the manual orders them, and without that.
func testOrderOfMembers(t *testing.T, p *pbx) {
	conf := read(t, p.Conf)
	first := func(queue, member string, more ...string) {
		t.Helper()
		p.exec(t, `INSERT INTO queues (name, strategy, timeout, ringinuse) VALUES (?, 'linear', 15, 'no')`, queue)
		for _, m := range []struct{ options, name string }{{"/n", "First"}, {"/j", "Second"}, {"", "Third"}} {
			p.exec(t, `INSERT INTO queue_members (queue_name, interface, membername, penalty, paused) VALUES (?, ?, ?, 0, 0)`,
				queue, "Local/agent1@agents"+m.options, m.name)
		}
		p.shows(t, "queue show "+queue, append([]string{"'linear' strategy", member}, more...)...)
		p.cli(t, "channel originate Local/idle@functions application Queue "+queue+",,,,20")
		eventually(t, func() error { // until the call has ended
			var got string
			err := p.DB.QueryRowContext(t.Context(), p.numbered(`SELECT agent FROM queue_log WHERE event = 'COMPLETEAGENT' AND queuename = ?`, 1), queue).Scan(&got)
			if err == nil && got != member {
				t.Errorf("%s calls %s first", queue, got)
			}
			return err
		})
	}
	p.Configure(t, testenv.OpenPage(t, manual).Block(t, "members.conf"))
	p.reloadGateway(t)
	first("ordered", "First", "Second", "Third")
	check(t, os.WriteFile(p.Conf, []byte(conf), 0o644))
	p.reloadGateway(t)
	first("sorted", "Third", "Second", "First")
	p.shows(t, "queue show ordered", "First", "Second", "Third") // members in memory keep their places
	for _, table := range []string{"queue_members WHERE queue_name", "queues WHERE name", "queue_log WHERE queuename"} {
		p.exec(t, `DELETE FROM `+table+` IN ('ordered', 'sorted')`)
	}
}

// reloadGateway has dbsep read its dbsep.conf again.
func (p *pbx) reloadGateway(t *testing.T) {
	t.Helper()
	const done = "msg=reloaded"
	n := strings.Count(p.gateway.Log.String(), done)
	check(t, p.gateway.Cmd.Process.Signal(syscall.SIGHUP))
	testenv.WaitFor(t, "dbsep", p.gateway, func(context.Context) error {
		if strings.Count(p.gateway.Log.String(), done) == n {
			return errors.New("it has not reloaded")
		}
		return nil
	})
}
