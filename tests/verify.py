"""Checks what Throughline keeps and gives away, with Python's own library and a public key:
python3 verify.py evidence FILE KEY
python3 verify.py ledger DATA_DIRECTORY [HASH of a record that was seen before | CHECKPOINT_FILE KEY]"""
import base64, functools, hashlib, json, pathlib, re, sys, tarfile
sha = lambda *parts: hashlib.sha256(b"".join(parts)).digest()
leaf, parent = (lambda *parts: sha(b"\0", *parts)), (lambda left, right: sha(b"\1", left, right))  # RFC 6962
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493  # Ed25519, RFC 8032
D = -121665 * pow(121666, -1, P) % P

def unbase(text):
    assert base64.b64encode(data := base64.b64decode(text, validate=True)).decode() == text, "no canonical base64"
    return data
def point(data):
    y, odd = int.from_bytes(data, "little") % 2**255, data[31] >> 7
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * pow(2, (P - 1) // 4, P) % P
    assert y < P and x * x % P == square and (x or not odd), "this is no point of the curve"
    return (x if x % 2 == odd else P - x), y
def add(p, q):
    t = D * p[0] * q[0] * p[1] * q[1]
    return (p[0] * q[1] + q[0] * p[1]) * pow(1 + t, -1, P) % P, (p[1] * q[1] + p[0] * q[0]) * pow(1 - t, -1, P) % P
def times(n, p):
    return add(times(n - 1, p), p) if n % 2 else add(*[times(n // 2, p)] * 2) if n else (0, 1)
def check_signature(key, message, signature):
    s, r = int.from_bytes(signature[32:], "little"), signature[:32]
    h = int.from_bytes(hashlib.sha512(r + key + message).digest(), "little") % L
    same = times(s, point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))) == add(point(r), times(h, point(key)))
    assert same and s < L and len(signature) == 64, "the signature is not good"
def read_key(text):
    name, number, key = text.strip().split("+", 2)
    number, key = bytes.fromhex(number), unbase(key)
    assert key[0] == 1 and sha(name.encode(), b"\n", key)[:4] == number, "this is no key of a log"
    return name, number, key[1:]
def checkpoint(note, key):
    (name, number, public), (text, lines) = read_key(key), note.rsplit("\n\n", 1)
    signatures = [unbase(line.split(" ")[2]) for line in lines[:-1].split("\n") if line.startswith(f"\u2014 {name} ")]
    ours = [signature[4:] for signature in signatures if signature[:4] == number]
    origin, size, root = text.split("\n")[:3]
    assert ours and note[-1] == "\n" and origin == name and str(int(size)) == size, f"no checkpoint of {name}"
    [check_signature(public, (text + "\n").encode(), signature) for signature in ours]
    return int(size), unbase(root)

def climb(node, index, size, proof):
    assert 0 <= index <= (last := size - 1), "the leaf is not in the tree"
    for step in map(bytes.fromhex, proof):
        assert last, "the proof is too long"
        node = parent(step, node) if index % 2 or index == last else parent(node, step)
        while index == last and index and not index % 2:
            index, last = index // 2, last // 2
        index, last = index // 2, last // 2
    assert not last, "the proof is too short"
    return node

def evidence(file, key):
    data, (name, _, public) = pathlib.Path(file).read_bytes(), read_key(key)
    message = b"throughline evidence 1\n" + sha(data[:512], b"0" * 88, data[600:])
    check_signature(public, message, unbase(data[512:600].decode()))
    files = {entry.name: archive.extractfile(entry).read() for archive in [tarfile.open(file)] for entry in archive}
    size, top = checkpoint(files["checkpoint"].decode(), key)
    for record in map(json.loads, (files["records.jsonl"] + files.get("agreements.jsonl", b"")).splitlines()):
        seq, known, line, items = (record.get(name) for name in ("seq", "leaf", "line", "items"))
        root = bytes.fromhex((known or {}).get("root", ""))
        told = [json.loads(text) for text in [line, *(item["item"] for item in (items or [])[:1])] if text]
        good = bool(known) or not told
        good &= not known or climb(leaf(bytes.fromhex(known["hash"]), root), seq - 1, size, known["proof"]) == top
        good &= not line or sha(record["previous"].encode(), line.encode()).hex() == known["hash"]
        good &= not line or told[0].get("root", "") == root.hex()
        good &= all((said["seq"], said["at"]) == (seq, told[0]["at"]) for said in told)
        for item in items or []:
            start = leaf(bytes.fromhex(item["salt"]), item["item"].encode())
            good &= climb(start, item["index"], item["of"], item["proof"]) == root
        assert good, f"record {seq} is not what was recorded"
    return f"the archive is whole, and all it proves stands in the first {size} records of the log {name}"

def ledger(directory, seen=None, key=None):
    data, hashes, offset, peaks, root = pathlib.Path(directory), ["0" * 64], 0, [], sha()
    size, top = checkpoint(pathlib.Path(seen).read_text(), key) if key else (0, root)
    for segment in sorted(data.glob("ledger/*.log")):
        assert int(segment.stem) == offset, f"a segment is missing before {segment}"
        for line in segment.read_bytes().splitlines(keepends=True):
            stated, text, seq, offset = line[:64].decode(), line[65:-1], len(hashes), offset + len(line)
            hashes.append(hashlib.sha256(hashes[-1].encode() + text).hexdigest())
            good = line[64:65] == b" " and line[-1:] == b"\n" and stated == hashes[-1]
            assert good and (record := json.loads(text))["seq"] == seq, f"record {seq} is not what was written"
            peaks, place = peaks + [leaf(bytes.fromhex(stated + record.get("root", "")))], seq
            while place % 2 == 0:
                peaks[-2:], place = [parent(*peaks[-2:])], place // 2
            root = functools.reduce(lambda right, left: parent(left, right), peaks[::-1]) if seq == size else root
    for line in filter(lambda line: b"{" in line, data.joinpath("checkpoint").read_bytes().splitlines()):
        slot = re.search(rb"([0-9a-f]{64}) ({.*})$", line)
        assert slot and sha(slot[2]).hex().encode() == slot[1], "the checkpoint beside the ledger was changed"
        assert (mark := json.loads(slot[2]))["hash"] in hashes[mark["seq"]:][:1], "a record before the checkpoint is missing"
    assert key or not seen or seen in hashes, "the hash that was seen before does not stand in the ledger"
    assert len(hashes) > size and root == top, f"the first {size} records are not those of the signed checkpoint"
    return f"{len(hashes) - 1} records, {offset} bytes, last hash {hashes[-1]}"

if __name__ == "__main__":
    print({"evidence": evidence, "ledger": ledger}[sys.argv[1]](*sys.argv[2:]))
