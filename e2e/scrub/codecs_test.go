package scrub

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"temoin/e2e/run"
)

// codecs are files of kinds that phones, cameras, recorders and editors make:
// the name of the file, and how ffmpeg makes it from a picture that moves (v)
// and a tone (a).
var codecs = []struct{ name, args string }{
	{"h264-aac.mp4", "v a -c:v libx264 -c:a aac"},
	{"h264-faststart.mp4", "v a -c:v libx264 -c:a aac -movflags +faststart"},
	{"h264-fragmented.mp4", "v a -c:v libx264 -c:a aac -movflags +frag_keyframe+empty_moov+default_base_moof -g 5"},
	{"h264-fragmented-base.mp4", "v a -c:v libx264 -c:a aac -movflags +frag_keyframe -g 5"},
	{"h264-dash.mp4", "v -c:v libx264 -movflags +dash+global_sidx -g 5"},
	{"h264-meta.mp4", "v a -c:v libx264 -c:a aac -movflags +use_metadata_tags -metadata com.apple.quicktime.make=TESTNAME"},
	{"h264-rotated.mp4", "v -c:v libx264 -metadata:s:v rotate=90"},
	{"h264-timecode.mov", "v -c:v libx264 -timecode 06:12:33:04"},
	{"h264-chapters.mp4", "chapters v a -c:v libx264 -c:a aac"},
	{"h264-subtitles.mp4", "subtitles v a s -c:v libx264 -c:a aac -c:s mov_text"},
	{"hevc.mp4", "v a -c:v libx265 -x265-params log-level=none -tag:v hvc1 -c:a aac"},
	{"hevc-repeat.mp4", "v -c:v libx265 -x265-params log-level=none:repeat-headers=1:keyint=5 -tag:v hev1"},
	{"mpeg4.mp4", "v a -c:v mpeg4 -c:a aac"},
	{"h263.3gp", "v176 -c:v h263"},
	{"mjpeg.mov", "v a -c:v mjpeg -c:a pcm_s16le"},
	{"pcm-be.mov", "a -c:a pcm_s24be"},
	{"prores.mov", "v -c:v prores_ks"},
	{"alac.m4a", "a -c:a alac"},
	{"ac3.mp4", "a -c:a ac3"},
	{"opus.mp4", "a -c:a libopus"},
	{"flac.mp4", "a -c:a flac -strict -2"},
	{"mp3.mp4", "a -c:a libmp3lame"},
	{"vp9.mp4", "v -c:v libvpx-vp9 -deadline realtime"},
	{"voice.m4a", "a -c:a aac"},
	{"voice.m4b", "a -c:a aac -f ipod"},
	{"small.m4v", "v -c:v libx264 -f mp4"},
	{"small.3g2", "a -c:a aac -f 3g2"},
	{"vp8-vorbis.webm", "v a -c:v libvpx -c:a libvorbis"},
	{"vp9-opus.webm", "v a -c:v libvpx-vp9 -deadline realtime -c:a libopus"},
	{"live.webm", "v a -c:v libvpx -c:a libopus -live 1 -f webm"},
	{"alpha.webm", "v -c:v libvpx -pix_fmt yuva420p -auto-alt-ref 0"},
	{"h264-flac.mkv", "v a -c:v libx264 -c:a flac"},
	{"h264-crc.mkv", "v a -c:v libx264 -c:a aac -write_crc32 1"},
	{"mpeg4-mp3.mkv", "v a -c:v mpeg4 -c:a libmp3lame"},
	{"hevc-pcm.mkv", "v a -c:v libx265 -x265-params log-level=none -c:a pcm_s16le"},
	{"chapters.mkv", "chapters v a -c:v libx264 -c:a libvorbis"},
	{"subtitles.mkv", "subtitles v a s -c:v libx264 -c:a aac -c:s srt"},
	{"sound.mka", "a -c:a libopus -f matroska"},
	{"voice.mp3", "a -c:a libmp3lame -id3v2_version 3 -write_id3v1 1"},
	{"voice-v24.mp3", "a -c:a libmp3lame -id3v2_version 4 -q:a 4"},
	{"voice-noxing.mp3", "a -c:a libmp3lame -write_xing 0"},
	{"voice-22k.mp3", "a -c:a libmp3lame -ar 22050 -ac 1 -b:a 32k"},
	{"voice-apic.mp3", "a cover -c:a libmp3lame -c:v mjpeg"},
	{"vorbis.ogg", "a -c:a libvorbis"},
	{"theora.ogv", "v a -c:v libtheora -c:a libvorbis"},
	{"opus.opus", "a -c:a libopus"},
	{"opus.ogg", "a -c:a libopus -ac 1"},
	{"speex.ogg", "a -c:a libspeex -ar 16000 -ac 1"},
	{"flac.oga", "a -c:a flac -f ogg"},
	{"sound.flac", "a -c:a flac"},
	{"cover.flac", "a cover -c:a flac -c:v mjpeg -disposition:v attached_pic"},
	{"pcm16.wav", "a -c:a pcm_s16le"},
	{"float.wav", "a -c:a pcm_f32le"},
	{"adpcm.wav", "a -c:a adpcm_ima_wav"},
	{"bext.wav", "a -c:a pcm_s16le -write_bext 1 -metadata originator=TESTNAME -metadata origination_date=2024-11-05"},
	{"rf64.wav", "a -c:a pcm_s16le -rf64 always"},
	{"still.jpg", "still -c:v mjpeg"},
	{"gray.jpg", "still -c:v mjpeg -pix_fmt gray"},
	{"yuv444.jpg", "still -c:v mjpeg -pix_fmt yuvj444p"},
	{"still.png", "still -c:v png"},
	{"pal.png", "still -c:v png -pix_fmt pal8"},
	{"deep.png", "still -c:v png -pix_fmt rgba64be"},
	{"moving.apng", "v -c:v apng -f apng -plays 0"},
	{"moving.gif", "v -c:v gif"},
	{"still.webp", "still -c:v libwebp"},
	{"lossless.webp", "still -c:v libwebp -lossless 1 -pix_fmt bgra"},
	{"moving.webp", "v -c:v libwebp_anim -loop 0"},
	{"still.avif", "still -c:v libaom-av1 -cpu-used 8 -still-picture 1 -f avif"},
}

// tags is what ffmpeg and exiftool write into each file.
var tags = map[string]string{
	"title": "SECRETCOMMENT", "artist": "Jean Canary", "comment": "SECRETCOMMENT", "location": "+50.9513+001.8587/", "creation_time": "2024-11-05T06:12:33Z",
	"date": "2024-11-05", "encoder": "SECRETENC", "copyright": "Jean Canary", "description": "TESTNAME", "make": "TESTNAME", "model": "SN123456",
}

// TestEveryCodecSurvives makes a file of every kind that ffmpeg here can make,
// with all the metadata that it and exiftool can put into it, and judges what
// "temoin scrub" makes of it.
func TestEveryCodecSurvives(t *testing.T) {
	run.Needs(t, "exiftool", "ffmpeg", "heif-convert", "python3")
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "subtitles.srt"), "1\n00:00:00,000 --> 00:00:01,000\nJean Canary\n")
	writeFile(t, filepath.Join(dir, "chapters.txt"), ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=500\ntitle=Jean Canary\n")
	var files []string
	for _, c := range codecs {
		f := filepath.Join(dir, c.name)
		if out, err := makeFile(dir, f, c.args); err != nil {
			t.Logf("ffmpeg here does not make %s: %v %s", c.name, err, out)
			continue
		}
		exec.Command("exiftool", "-q", "-overwrite_original", "-Artist=Jean Canary", "-XMP:Title=SECRETCOMMENT", "-GPSLatitude=50.9513", "-GPSLatitudeRef=N",
			"-GPSLongitude=1.8587", "-GPSLongitudeRef=E", "-EXIF:SerialNumber=SN123456", "-EXIF:Orientation#=6", "-IPTC:City=TESTNAME", "-Comment=SECRETCOMMENT", "-DateTimeOriginal=2024:11:05 06:12:33", f).Run()
		files = append(files, f)
	}
	if len(files) < len(codecs)*3/4 {
		t.Fatalf("only %d of %d kinds could be made", len(files), len(codecs))
	}
	judgeAll(t, files)
}

func writeFile(t testing.TB, name, text string) {
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func makeFile(dir, name, how string) (string, error) {
	args := []string{"-v", "error", "-y"}
	var maps, rest []string
	input := func(m string, a ...string) {
		args = append(args, a...)
		maps = append(maps, "-map", string(rune('0'+len(maps)/2))+m)
	}
	for _, w := range strings.Fields(how) {
		switch w {
		case "v":
			input(":v", "-f", "lavfi", "-i", "testsrc=size=128x96:rate=10:duration=1")
		case "v176":
			input(":v", "-f", "lavfi", "-i", "testsrc=size=176x144:rate=10:duration=1")
		case "still":
			input(":v", "-f", "lavfi", "-i", "testsrc=size=128x96:rate=1:duration=1")
		case "cover":
			input(":v", "-f", "lavfi", "-i", "testsrc=size=32x32:rate=1:duration=1")
		case "a":
			input(":a", "-f", "lavfi", "-i", "sine=frequency=440:duration=1")
		case "s":
			input(":s", "-i", filepath.Join(dir, "subtitles.srt"))
		case "chapters", "subtitles": // see below, and "s"
		default:
			rest = append(rest, w)
		}
	}
	if strings.HasPrefix(how, "chapters") {
		args = append(args, "-i", filepath.Join(dir, "chapters.txt"))
		rest = append(rest, "-map_chapters", string(rune('0'+len(maps)/2)))
	}
	args = append(append(args, maps...), rest...)
	for k, v := range tags {
		args = append(args, "-metadata", k+"="+v, "-metadata:s:0", k+"="+v)
	}
	out, err := exec.Command("ffmpeg", append(args, name)...).CombinedOutput()
	return string(out), err
}
