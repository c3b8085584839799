// Package e2e drives the two programs the way people do: browsers, curl, the commands that demo prints, kill -9. It
// knows nothing of the code behind them but what the docs promise: commands, form fields, exit codes, and what opened
// files look like.
//
// The tests stand in packages by subject: form, page, kill, hostile, scrub, operate, tor, trace. The others help them,
// and some have tests of their own. A package builds both programs before its tests. Run one package at a time
// (go test -p 1 ./...): tests take ports that are free just now, and measure memory.
//
//	TEMOIN_BIN        a folder with temoind and temoin, instead of building them
//	TEMOIN_AGE        the program age; without it the tests that open with it are skipped
//	TEMOIN_SHOTS      where screenshots go
//	TEMOIN_VERSITYGW  a real S3 server; without it the tests that need one are skipped
//	TEMOIN_PEBBLE     a real ACME server, likewise
//	TEMOIN_AXE        axe.min.js of axe-core, likewise
//	TEMOIN_DEBIAN     a folder that tools/debian-root made, likewise
//	TEMOIN_RELEASE    a folder that tools/release made, instead of making one
//	TEMOIN_SHARED     a folder with more samples, and a program that judges them
//	TEMOIN_FULL=1     the long versions
package e2e
