//go:build !linux

package drill

import (
	"context"
	"errors"

	"temoin/cmd/temoind/settings"
)

// process stands for a process, into which only Linux lets us look.
type process struct{}

var (
	errSeveral  = errors.New("several boxes listen")
	errNotLinux = errors.New("on this system nobody can look into another process")
)

func processOf(settings.List) (process, error) { return process{}, errNotLinux }

func (process) environment() (map[string]string, error) { return nil, errNotLinux }

func (process) commandLine() ([]byte, error) { return nil, errNotLinux }

func (process) files() ([]string, error) { return nil, errNotLinux }

func (process) root() string { return "/" }

func (process) swapped() (int, error) { return 0, errNotLinux }

func (process) memory(context.Context, func(), func(string, []byte)) (int64, error) {
	return 0, errNotLinux
}
