// Temoind is the box: it takes photos, video, voice and words from witnesses,
// seals them to the coordinators' keys, and keeps nothing of the witness. It
// cannot open what it took; that is what the program temoin is for.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"temoin/cmd/temoind/doctor"
	"temoin/cmd/temoind/drill"
	"temoin/cmd/temoind/settings"
)

const usage = `temoind is the box that takes drops from witnesses.

  temoind demo    a box to try out, with a throw-away key
  temoind serve   a box for work
  temoind doctor  looks whether that box can be trusted, and says what to do
  temoind reload  makes a running box read its keys again, and waits until it has
  temoind drill   looks what somebody would get who seizes that box
  temoind policy  prints the rights that the keys of its bucket should have
  temoind purge   deletes for good what coordinators have set aside
  temoind version

Type "temoind serve --help" for the settings; all but demo and version take them too.
`

func main() {
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		// Until serve listens for it. A SIGHUP earlier, in the first milliseconds, ends the
		// process, as it ends any that has no handler yet.
		signal.Ignore(syscall.SIGHUP)
	}
	if len(os.Args) > 1 && (os.Args[1] == "serve" || os.Args[1] == "demo") { // the others get nothing of senders
		if err := overwriteFreed(); err != nil {
			fmt.Fprintln(os.Stderr, "temoind: error:", err)
			os.Exit(1)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case err == nil:
	case errors.Is(err, settings.ErrUsage):
		os.Exit(2)
	case errors.Is(err, doctor.ErrWarnings):
		os.Exit(3)
	default:
		fmt.Fprintln(os.Stderr, "temoind: error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	// More than one P a core: otherwise each object that is synced in the
	// background takes one from the uploads, and the scheduler polls 50,000
	// times a second to give it back. Measured: a tenth less CPU.
	runtime.GOMAXPROCS(max(4, 2*runtime.NumCPU()))
	// Collect often when many uploads are held, and seldom when there are few:
	// the ballast counts as heap and is never touched, so it is not in memory.
	debug.SetGCPercent(30)
	defer runtime.KeepAlive(make([]byte, 32<<20))
	command := ""
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	switch command {
	case "serve":
		return serve(ctx, args, stdout, stderr)
	case "demo":
		return demo(ctx, args, stdout, stderr)
	case "doctor":
		return doctor.Command(ctx, args, stdout, stderr)
	case "reload":
		return reloadBox(ctx, args, stdout, stderr, reloadPatience)
	case "drill":
		return drill.Command(ctx, args, stdout, stderr)
	case "policy":
		return policy(args, stdout, stderr)
	case "purge":
		return purge(ctx, args, stdout, stderr)
	case "version":
		fmt.Fprintln(stdout, version())
		return nil
	case "help", "-h", "--help":
		io.WriteString(stdout, usage)
		return nil
	}
	io.WriteString(stderr, usage)
	return settings.ErrUsage
}

// release is the version of a released program; tools/build sets it. The version in
// the build info is not reproducible: a folder without git history has none.
var release string

func version() string {
	v := "(devel)"
	if info, ok := debug.ReadBuildInfo(); release != "" {
		v = release
	} else if ok && info.Main.Version != "" {
		v = info.Main.Version
	}
	return "temoind " + v + ", format 1"
}
