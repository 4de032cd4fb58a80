package integration

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// scenario is one situation on a real cluster, from its set-up to its assertions.
// It depends on no other one.
type scenario struct {
	name  string           // -run selects scenarios by a part of it
	setUp func(*testing.T) // the state that it starts from
	run   func(*testing.T)
	long  bool // takes minutes, and runs only with -long
}

// scenarios are in an order that makes few set-ups necessary: first those that
// need no cluster, last those that stop or remove it.
func (f *fixture) scenarios() []scenario {
	return []scenario{
		{name: "WrongInputIsRefused", setUp: f.anything, run: f.wrongInput},
		{name: "PortInUseIsNamed", setUp: f.absent, run: f.portInUse},
		{name: "FirstDeployAfterInterruptedCreation", setUp: f.absent, run: f.firstDeploy},
		{name: "SmokePasses", setUp: f.serving, run: f.smokePasses},
		{name: "ManualChangeIsReportedAndRepaired", setUp: f.serving, run: f.manualChange},
		{name: "UnchangedDeployDoesNothing", setUp: f.serving, run: f.unchanged},
		{name: "OneChangedLineBuildsOneImage", setUp: f.serving, run: f.oneLine},
		{name: "SecondRunIsToldToWait", setUp: f.serving, run: f.twoAtOnce},
		{name: "StoppedDeployIsContinuedByTheNext", setUp: f.serving, run: f.stopped},
		{name: "DeployWithoutNetwork", setUp: f.serving, run: f.offline},
		{name: "FullDiskIsNamed", setUp: f.serving, run: f.fullDisk},
		{name: "BrowserFlow", setUp: f.serving, run: f.browserFlow, long: true},
		{name: "APIContract", setUp: f.serving, run: f.contract, long: true},
		{name: "KilledDatabaseKeepsConfirmedTodos", setUp: f.serving, run: f.killed, long: true},
		{name: "StagingUpdatesUnderTraffic", setUp: f.serving, run: f.staging, long: true},
		{name: "MigrationForwardAndBack", setUp: f.serving, run: f.migration, long: true},
		{name: "IngressAndGateway", setUp: f.serving, run: f.ingress, long: true},
		{name: "BackupRestoreAndRotation", setUp: f.serving, run: f.backup, long: true},
		{name: "FailedDeployRollsBackWithEvidence", setUp: f.serving, run: f.failures, long: true},
		{name: "HostileRequests", setUp: f.serving, run: f.hostile, long: true},
		{name: "StoppedNodeKeepsData", setUp: f.serving, run: f.stoppedNode},
		{name: "CleanRemovesOnlyItsOwn", setUp: f.serving, run: f.clean},
	}
}

// TestScenarios runs the scenarios one after another on one cluster. A scenario
// that fails does not stop the others: the set-up of the next one repairs the
// deployment. One scenario alone: mage test:integration -run=Backup -long.
func TestScenarios(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a cluster: not with -short")
	}
	f := start(t)
	var results []string
	for _, s := range f.scenarios() {
		t.Run(s.name, func(t *testing.T) {
			began := time.Now()
			t.Cleanup(func() {
				results = append(results, fmt.Sprintf("%-7s %6.1fs  %s", outcome(t), time.Since(began).Seconds(), s.name))
			})
			if s.long && os.Getenv("TODO_TEST_LONG") == "" {
				t.Skip("takes minutes: runs with mage test:integration -long")
			}
			s.setUp(t)
			s.run(t)
		})
	}
	assert.NotEmpty(t, results, "-run selects no scenario")
	for _, result := range results {
		t.Log(result)
	}
}

func outcome(t *testing.T) string {
	switch {
	case t.Failed():
		return "failed"
	case t.Skipped():
		return "skipped"
	}
	return "passed"
}
