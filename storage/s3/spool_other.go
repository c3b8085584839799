//go:build unix && !linux

package s3

import "os"

func openSpool(dir string) (*os.File, error) { return openRemoved(dir) }

func closeSpool(f *os.File) { f.Close() }
