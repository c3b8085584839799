// Holds the page's modules against testdata/vectors in Node, without a browser:
//
//	cd server/web/src && npm ci && cd ../../.. && node tools/web/vectors.mjs
//
// The end-to-end tests do the same in browsers, and more; this takes seconds.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, webcrypto } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';

const root = fileURLToPath(new URL('../..', import.meta.url));
const vectors = join(root, 'testdata/vectors');
const scripts = mkdtempSync(join(tmpdir(), 'temoin-scripts-'));
after(() => rmSync(scripts, { recursive: true }));
execFileSync('go', ['run', './web', '-test', scripts], { cwd: join(root, 'tools'), stdio: 'inherit' });

const script = (name) => new vm.Script(readFileSync(join(scripts, name + '.js'), 'utf8'), { filename: name + '.js' });
const json = (...path) => JSON.parse(readFileSync(join(vectors, ...path), 'utf8'));
const sha256 = (b) => createHash('sha256').update(b).digest('hex');

// ---- seal: golden drops, as in e2e/page/sealing_test.go

globalThis.crypto ??= webcrypto; // Node 18 has none
script('vectors').runInThisContext();
script('open').runInThisContext();

/** Opens objects and compares them with those of a golden drop. */
async function isGolden(v, objects) {
  assert.equal(objects.length, v.objects.length);
  const stranger = await strangersKey(v.identity.startsWith('AGE-SECRET-KEY-PQ-') ? 'hybrid' : 'x25519');
  for (const [i, o] of v.objects.entries()) {
    const { id, object } = objects[i];
    assert.equal(object.length, o.size, o.role);
    assert.equal(id ?? o.id, o.id, o.role);
    const archive = await openSealed(i === 0 ? v.coordinator : v.identity, object);
    // The page knows all files before the first byte, and says so in the letter; Go's form does not.
    const other = id !== undefined && i === 0 && !v.plan && objects.length > 1;
    if (!other) assert.equal(sha256(archive), o.tar, o.role);
    await assert.rejects(openSealed(stranger, object), o.role + ' opens with another key');
    if (i > 0) await assert.rejects(openSealed(v.coordinator, object), o.role + " opens without the drop's key");
    object[object.length - 1] ^= 1;
    await assert.rejects(openSealed(i === 0 ? v.coordinator : v.identity, object), o.role + ' opens when changed');
  }
}

const drops = readdirSync(join(vectors, 'v1')).filter((f) => f.endsWith('.json'));

test('there are golden drops', () => assert.ok(drops.length >= 6));

for (const kind of ['hybrid', 'x25519']) {
  test('the page trusts its own answers, ' + kind, async () => assert.ok((await selfTest(kind)).speed > 0));
}

for (const file of drops) {
  const v = json('v1', file);
  test('seal: ' + file, async () => {
    const sealed = await sealVector(v);
    await isGolden(v, sealed.map((s) => ({ id: s.id, object: Buffer.from(s.object, 'base64') })));
  });
  test("seal: Go's objects of " + file, () => // or the reader could be wrong as the page is
    isGolden(v, v.objects.map((o) => ({ object: readFileSync(join(vectors, 'v1/objects', o.key.slice(2) + '.age')) }))));
}

test("seal: with the library's cipher", async () => {
  setNative(false);
  const v = json('v1', 'page-hybrid.json');
  await isGolden(v, (await sealVector(v)).map((s) => ({ id: s.id, object: Buffer.from(s.object, 'base64') })));
});

// ---- scrub: samples, as in e2e/scrub/twin_test.go

/** A Blob that can be read at once. */
class Bytes {
  constructor(parts) {
    this.bytes = Buffer.concat(parts.map((p) => (p instanceof Bytes ? p.bytes : new Uint8Array(p.buffer, p.byteOffset, p.length))));
    this.size = this.bytes.length;
  }

  slice(from, to) {
    return new Bytes([this.bytes.subarray(from, to)]);
  }
}

/** Starts a worker that has what scrubbing needs, and nothing else of a browser. */
function worker(name, read = (b) => new Uint8Array(b.bytes).buffer) {
  const said = [];
  const self = { postMessage: (m) => said.push(m) };
  const FileReaderSync = class {
    readAsArrayBuffer = read;
  };
  script(name).runInNewContext({ self, Blob: Bytes, FileReaderSync });
  assert.equal(said.pop(), 'ready');
  return (bytes) => {
    self.onmessage({ data: { file: new Bytes([bytes]) } });
    assert.equal(said.length, 1);
    return said.pop();
  };
}

const names = readdirSync(scripts).filter((f) => f.startsWith('scrub-')).map((f) => f.slice(0, -3));
const workers = new Map(names.map((n) => [n, worker(n)]));

/** The answer of the one worker that knows a file. */
function clean(bytes) {
  const answers = [...workers.values()].map((ask) => ask(bytes));
  const known = answers.filter((a) => a.details !== 'unknown');
  for (const a of answers) if (a.details === 'unknown') assert.ok(a.blob.bytes.equals(bytes), 'unknown, and changed');
  assert.equal(known.length, 1, `${known.length} workers know it`);
  const { type, details, removed, blob } = known[0];
  return { type, details, removed: [...removed], bytes: blob.bytes };
}

const samples = json('scrub.json');

test('there are samples', () => assert.ok(samples.length >= 26 && workers.size === 5));

for (const v of samples) {
  test('scrub: ' + v.file, () => {
    const bytes = readFileSync(join(root, 'testdata/samples', v.file));
    assert.equal(sha256(bytes), v.sha256, 'another sample');
    const { bytes: once, ...report } = clean(bytes);
    assert.deepEqual(report, { type: v.type, details: v.details, removed: v.removed });
    assert.equal(sha256(once), v.clean);
    assert.ok(clean(once).bytes.equals(once), 'cleaned twice is not cleaned once');
  });
}

test('scrub: what no worker knows stays as it is, and is said to be unknown', () => {
  for (const bytes of [Buffer.from('%PDF-1.7\n'), Buffer.from('GIF89'), Buffer.alloc(0)]) {
    assert.throws(() => clean(bytes), /^AssertionError.*: 0 workers know it/);
  }
});

test('scrub: a file that the phone does not let us read', () => {
  for (const n of names) {
    const ask = worker(n, () => {
      throw new Error('gone');
    });
    assert.equal(ask(Buffer.from('GIF89a')).error, 'read');
  }
});

// ---- hash

test('hash: files that come in turns and in pieces', () => {
  const port = {};
  const box = { TextEncoder, postMessage: (m) => assert.equal(m, 'ready') };
  script('hash').runInNewContext(box);
  box.onmessage({ ports: [port] });
  const told = [];
  port.postMessage = (m) => told.push(m);
  const files = [1, 2, 3].map((n) => Buffer.alloc(70_000 * (n - 1), 'page' + n)); // the first is empty
  for (let at = 0; at < 140_000; at += 33_333) {
    files.forEach((f, i) => port.onmessage({ data: { file: i + 1, data: new Uint8Array(f.subarray(at, at + 33_333)) } }));
  }
  assert.ok(told.length === 15 && told.every((m) => m.taken));
  port.onmessage({ data: { sums: 3 } });
  assert.deepEqual([...told.pop().sums], files.map(sha256));
});
