//go:build e2e

package outage

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"dbsep/internal/testenv"
)

// A cluster is three nodes of Galera at 127.0.0.1, 127.0.0.2 and 127.0.0.3, with
// the settings that Debian's packages have but for their places.
type cluster struct {
	port  string
	nodes []*mariadb
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{port: freePort(t)}
	for _, program := range []string{"wsrep_sst_rsync", "rsync", "ss"} {
		testenv.Installed(t, program, "mariadb-server galera-4 rsync iproute2")
	}
	group, ist, sst := freePort(t), freePort(t), freePort(t)
	var all []string
	for i := range 3 {
		all = append(all, fmt.Sprintf("127.0.0.%d:%s", i+1, group))
	}
	for i := range 3 {
		address := fmt.Sprintf("127.0.0.%d", i+1)
		n := newMariaDB(t, c.port, "--bind-address="+address, "--binlog-format=ROW", "--innodb-autoinc-lock-mode=2",
			"--wsrep-on=ON", "--wsrep-provider=/usr/lib/galera/libgalera_smm.so", "--wsrep-cluster-name=outage",
			"--wsrep-node-name="+address, "--wsrep-node-address="+address, "--wsrep-cluster-address=gcomm://"+strings.Join(all, ","),
			"--wsrep-sst-method=rsync", "--wsrep-sst-receive-address="+address+":"+sst, "--wsrep-sst-donor=127.0.0.3,",
			"--wsrep-provider-options=base_port="+group+";gmcast.listen_addr=tcp://"+address+":"+group+";ist.recv_addr="+address+":"+ist+";gcache.size=32M")
		n.name = "Galera at " + address
		n.ready = n.synced
		c.nodes = append(c.nodes, n)
	}
	return c
}

// synced checks that a node is one of the cluster.
func (m *mariadb) synced(ctx context.Context) error {
	return errors.Join(m.shows(ctx, "wsrep_ready", "ON"), m.shows(ctx, "wsrep_local_state_comment", "Synced"))
}

// shows checks that a node's state is as it should be.
func (m *mariadb) shows(ctx context.Context, name, want string) error {
	var is string
	err := m.root.QueryRowContext(ctx, "SHOW STATUS LIKE '"+name+"'").Scan(&name, &is)
	if err == nil && is != want {
		err = fmt.Errorf("%s is %s, not %s", name, is, want)
	}
	return err
}

// gather waits until all nodes are there. One that was paused does not know yet
// that the others have gone on without it; they do.
func (c *cluster) gather(t *testing.T) {
	t.Helper()
	last := c.nodes[2]
	testenv.WaitFor(t, "three nodes", last.process, func(ctx context.Context) error {
		return errors.Join(last.shows(ctx, "wsrep_cluster_size", "3"), c.nodes[0].synced(ctx), c.nodes[1].synced(ctx))
	})
}

// lead makes a node that its cluster has left alone one by itself.
func (m *mariadb) lead(t *testing.T) {
	t.Helper()
	testenv.WaitFor(t, m.name+" without the others", m.process, func(ctx context.Context) error {
		return errors.Join(m.shows(ctx, "wsrep_cluster_status", "non-Primary"), m.shows(ctx, "wsrep_cluster_size", "1"))
	})
	m.exec(t, "SET GLOBAL wsrep_provider_options = 'pc.bootstrap=YES'")
	m.await(t)
}

func (c *cluster) start(t *testing.T) {
	t.Helper()
	c.nodes[0].start(t, "--wsrep-new-cluster")
	for _, n := range c.nodes[1:] {
		n.launch()
	}
	for _, n := range c.nodes[1:] {
		n.await(t)
	}
}

// scene makes a database of the cluster and a gateway that knows all nodes. What
// there is in the end is what the last node has, when it has all that the others
// have confirmed.
func (c *cluster) scene(t *testing.T, settings []string) *scene {
	t.Helper()
	last := c.nodes[2]
	s := last.scene(t, "127.0.0.1,127.0.0.2,127.0.0.3", settings)
	s.settle = func(t *testing.T, s *scene) {
		s.DB.SetMaxOpenConns(1)
		_, err := s.DB.ExecContext(t.Context(), "SET SESSION wsrep_sync_wait = 15")
		check(t, err)
	}
	return s.serve(t)
}

func TestGalera(t *testing.T) {
	c := newCluster(t)
	c.start(t)
	first := c.nodes[0]
	var all figures
	defer all.print(t, "Galera")
	for _, f := range []fault{
		{name: "the node that takes the writes killed (kill -9)", brief: true,
			begin: func(*testing.T, *scene) { first.kill() }},
		{name: "a node comes back", brief: true,
			begin: func(t *testing.T, _ *scene) { first.start(t) }},
		{name: "the node that takes the writes ended", brief: true,
			begin: func(t *testing.T, _ *scene) { first.end(t) }},
		{name: "the node that takes the writes paused (SIGSTOP)", brief: true,
			before: func(t *testing.T) { first.revive(t) },
			begin:  func(t *testing.T, _ *scene) { first.pause(t) }},
		{name: "two nodes of three killed",
			before: c.gather,
			begin: func(*testing.T, *scene) {
				first.signal(syscall.SIGKILL)
				c.nodes[1].signal(syscall.SIGKILL)
			},
			end: func(t *testing.T, _ *scene) { c.nodes[2].lead(t) }},
	} {
		f.run(t, "Galera", &all, c.scene)
	}
}
