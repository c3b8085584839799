// Package line is a bad line between a browser and a box: slow, cut, silent, or with answers that get lost.
package line
