package s3_test

import (
	"errors"
	"syscall"
	"testing"

	"temoin/storage"
	"temoin/storage/storagetest"
)

func TestFullSpool(t *testing.T) {
	fake := storagetest.NewS3(t)
	cfg := config(t, fake)
	if err := syscall.Mount("tmpfs", cfg.Spool, "tmpfs", 0, "size=512k,mode=700"); err != nil {
		t.Skipf("mounting a small disk needs root: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(cfg.Spool, syscall.MNT_DETACH) })
	s := open(t, cfg)
	if err := storagetest.Put(
		t.Context(), s, storagetest.Key(1), storagetest.Body(1, storage.Large),
	); !errors.Is(err, storage.ErrFull) {
		t.Errorf("a spool that is too small: %v", err)
	}
	if err := storagetest.Put(t.Context(), s, storagetest.Key(1), storagetest.Body(1, storage.Small)); err != nil {
		t.Errorf("a smaller object afterwards: %v", err)
	}
}

func TestReadOnlySpool(t *testing.T) {
	cfg := config(t, storagetest.NewS3(t))
	if err := syscall.Mount("tmpfs", cfg.Spool, "tmpfs", syscall.MS_RDONLY, "size=512k,mode=700"); err != nil {
		t.Skipf("mounting a disk needs root: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(cfg.Spool, syscall.MNT_DETACH) })
	if _, err := open(t, cfg).Create(t.Context(), storage.Small); !errors.Is(err, storage.ErrDenied) {
		t.Errorf("a spool that is read-only: %v", err)
	}
}
