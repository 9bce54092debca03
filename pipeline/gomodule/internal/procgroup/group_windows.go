package procgroup

import (
	"errors"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

const canWait = true

// ended says whether the command has ended and Wait has seen it, or nobody
// will. Windows has no signals, and says so as long as it has not.
func ended(p *os.Process) bool {
	err := p.Signal(syscall.Signal(0))
	return err != nil && !errors.Is(err, syscall.EWINDOWS)
}

// prepareGroup keeps the Ctrl-C of a console away from cmd, which its job does not.
func prepareGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
}

// group is a job object, which also holds processes whose parents have ended.
// Without one, because the system refuses it, it is the one process.
//
// Unless it ends with this process, the job does not end with its handle: like the
// process groups of Unix, it leaves processes alone that run on after a command that
// has ended by itself.
type group struct {
	mu  sync.Mutex
	job windows.Handle
}

// newGroup puts a process that has just been started into a job. What it has
// started before that, in its first instant, is not in it.
func newGroup(p *os.Process, untilExit bool) *group {
	g := &group{}
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return g
	}
	if untilExit {
		var limits windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION
		limits.BasicLimitInformation.LimitFlags = windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
		_, _ = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
			uintptr(unsafe.Pointer(&limits)), uint32(unsafe.Sizeof(limits)))
	}
	process, err := windows.OpenProcess(windows.PROCESS_SET_QUOTA|windows.PROCESS_TERMINATE, false, uint32(p.Pid))
	if err == nil {
		err = windows.AssignProcessToJobObject(job, process)
		_ = windows.CloseHandle(process)
	}
	if err != nil {
		_ = windows.CloseHandle(job)
		return g
	}
	g.job = job
	return g
}

func (g *group) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.job != 0 {
		_ = windows.CloseHandle(g.job)
		g.job = 0
	}
}

// kill kills the group of a command that nobody has waited for.
func (g *group) kill(p *os.Process) error {
	if g.terminate() {
		return nil
	}
	return p.Kill()
}

// killOrphans kills what is left of the group of a command that has ended.
func (g *group) killOrphans() { g.terminate() }

func (g *group) terminate() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.job != 0 && windows.TerminateJobObject(g.job, 1) == nil
}

// jobAccounting is JOBOBJECT_BASIC_ACCOUNTING_INFORMATION.
type jobAccounting struct {
	totalUserTime, totalKernelTime           int64
	thisPeriodUserTime, thisPeriodKernelTime int64
	totalPageFaults                          uint32
	totalProcesses                           uint32
	activeProcesses                          uint32
	totalTerminatedProcesses                 uint32
}

// jobAccountingClass is JobObjectBasicAccountingInformation.
const jobAccountingClass = 1

// empty says whether no process of the job runs.
func (g *group) empty() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.job == 0 {
		return true
	}
	var a jobAccounting
	err := windows.QueryInformationJobObject(g.job, jobAccountingClass, uintptr(unsafe.Pointer(&a)), uint32(unsafe.Sizeof(a)), nil)
	return err != nil || a.activeProcesses == 0
}
