package s3

import "os"

// spool hands out files for objects on their way to the bucket, and takes them
// back to be written over. Making a file for each object costs half a
// millisecond on ext4 once thousands were deleted in the last seconds, and the
// memory of its pages anew each time. What stays in an idle file is ciphertext
// that the bucket has; it goes with the process.
type spool struct {
	dir  string
	idle chan *os.File
}

// idleFiles is how many files, each of at most [storage.Large] bytes, wait.
const idleFiles = 16

func (s *spool) take() (*os.File, error) {
	select {
	case f := <-s.idle:
		return f, nil
	default:
		return openSpool(s.dir)
	}
}

// give takes a file back. Only one that nobody reads any more may be kept.
func (s *spool) give(f *os.File, keep bool) {
	if keep {
		select {
		case s.idle <- f:
			return
		default:
		}
	}
	closeSpool(f)
}
