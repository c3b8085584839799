// Package profile searches what browsers keep on the disk, as a person who has seized the phone would.
package profile
