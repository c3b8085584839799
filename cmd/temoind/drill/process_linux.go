package drill

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"temoin/cmd/temoind/settings"
)

// process is the number of a process.
type process int

var errSeveral = errors.New("several boxes listen at the address of these settings: end all but one")

// processOf returns the process of the box that listens on these addresses: the one that
// runs "serve" and holds a listening socket of them. Where systemd opened the socket, it
// holds it as well.
func processOf(listen settings.List) (process, error) {
	sockets, err := listening(listen)
	if err != nil {
		return 0, err
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, err
	}
	var all []process
	closed := false
	for _, e := range entries {
		n, err := strconv.Atoi(e.Name())
		p := process(n)
		if err != nil || n == os.Getpid() || !p.serves() {
			continue
		}
		holds, err := p.holds(sockets)
		closed = closed || errors.Is(err, fs.ErrPermission)
		if holds {
			all = append(all, p)
		}
	}
	switch {
	case len(all) > 1:
		return 0, errSeveral
	case len(all) == 1:
		return all[0], nil
	case closed:
		return 0, errors.New("only root can look into the process of the box")
	}
	return 0, errors.New("the process of the box was not found on this machine")
}

// serves reports whether the process was started as "temoind serve" is.
func (p process) serves() bool {
	line, _ := p.commandLine()
	words := strings.Split(string(line), "\x00")
	return len(words) > 1 && words[1] == "serve"
}

// holds reports whether the process has one of these sockets open.
func (p process) holds(sockets []string) (bool, error) {
	entries, err := os.ReadDir(p.file("fd"))
	for _, e := range entries {
		if target, err := os.Readlink(p.file("fd", e.Name())); err == nil && slices.Contains(sockets, target) {
			return true, nil
		}
	}
	return false, err
}

// listening returns the sockets that listen on these addresses, as links in /proc name
// them. See proc_pid_net(5).
func listening(listen settings.List) (sockets []string, err error) {
	const accepting = "00010000" // the flag of a unix socket that listens
	const tcpListen = "0A"       // the state of a TCP socket that does
	for _, address := range listen {
		if path, ok := strings.CutPrefix(address, "unix:"); ok {
			err = eachLine("/proc/net/unix", func(f []string) {
				if len(f) == 8 && f[3] == accepting && samePath(f[7], path) {
					sockets = append(sockets, "socket:["+f[6]+"]")
				}
			})
		} else if _, port, errSplit := net.SplitHostPort(address); errSplit == nil {
			n, errPort := net.LookupPort("tcp", port)
			for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
				errTable := eachLine(table, func(f []string) {
					if len(f) > 9 && f[3] == tcpListen && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", n)) {
						sockets = append(sockets, "socket:["+f[9]+"]")
					}
				})
				if !errors.Is(errTable, fs.ErrNotExist) { // a machine without IPv6
					err = errors.Join(err, errTable)
				}
			}
			err = errors.Join(err, errPort)
		}
		if err != nil {
			return nil, err
		}
	}
	return sockets, nil
}

// eachLine calls f with the fields of each line of a table.
func eachLine(file string, f func(fields []string)) error {
	text, err := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		f(strings.Fields(line))
	}
	return err
}

// samePath reports whether two names lead to one socket.
func samePath(a, b string) bool {
	if filepath.Clean(a) == filepath.Clean(b) {
		return true
	}
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// file is the name of what /proc has of a process.
func (p process) file(names ...string) string {
	return filepath.Join(append([]string{"/proc", strconv.Itoa(int(p))}, names...)...)
}

// environment returns the variables of the process.
func (p process) environment() (map[string]string, error) {
	text, err := os.ReadFile(p.file("environ"))
	if err != nil {
		return nil, err
	}
	env := make(map[string]string)
	for _, variable := range bytes.Split(text, []byte{0}) {
		if name, value, ok := strings.Cut(string(variable), "="); ok {
			env[name] = value
		}
	}
	return env, nil
}

// commandLine is what it was started with.
func (p process) commandLine() ([]byte, error) { return os.ReadFile(p.file("cmdline")) }

// root is where the process has its root.
func (p process) root() string { return p.file("root") }

// files returns the regular files that the process has open, those without a name too.
func (p process) files() (paths []string, err error) {
	entries, err := os.ReadDir(p.file("fd"))
	for _, e := range entries {
		path := p.file("fd", e.Name())
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			paths = append(paths, path)
		}
	}
	return paths, err
}

// swapped returns how much of the process lies in the swap area, in KiB.
func (p process) swapped() (int, error) {
	n, err := -1, errors.New("the system does not say")
	errRead := eachLine(p.file("status"), func(f []string) {
		if len(f) > 1 && f[0] == "VmSwap:" {
			n, err = strconv.Atoi(f[1])
		}
	})
	return n, errors.Join(err, errRead)
}
