package procgroup

import (
	"os/exec"
	"testing"

	"golang.org/x/sys/windows"
)

// TestCtrlCIsForTheProgramOnly: a console sends it to all processes but those of a new group.
func TestCtrlCIsForTheProgramOnly(t *testing.T) {
	cmd := exec.Command("python.exe")
	prepareGroup(cmd)
	if cmd.SysProcAttr == nil || cmd.SysProcAttr.CreationFlags&windows.CREATE_NEW_PROCESS_GROUP == 0 {
		t.Errorf("%+v", cmd.SysProcAttr)
	}
}
