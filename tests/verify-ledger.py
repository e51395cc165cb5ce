"""Checks the chain of a ledger: python3 verify-ledger.py DATA_DIRECTORY [HASH that was seen before]"""
import hashlib, json, pathlib, sys
data, hashes, offset = pathlib.Path(sys.argv[1]), ["0" * 64], 0
for segment in sorted(data.glob("ledger/*.log")):
    assert int(segment.stem) == offset, f"a segment is missing before {segment}"
    for line in segment.read_bytes().splitlines(keepends=True):
        stated, record, seq = line[:64].decode(), line[65:-1], len(hashes)
        hashes.append(hashlib.sha256(hashes[-1].encode() + record).hexdigest())
        good = line[64:65] == b" " and line[-1:] == b"\n" and stated == hashes[-1]
        assert good and json.loads(record)["seq"] == seq, f"record {seq} at byte {offset} is not what was written"
        offset += len(line)
for line in filter(lambda line: b"{" in line, data.joinpath("checkpoint").read_bytes().splitlines()):
    mark = json.loads(line[line.index(b"{"):]) if line.endswith(b"}") else {"seq": 0, "hash": hashes[0]}
    assert hashes[mark["seq"]:][:1] == [mark["hash"]], f"record {mark['seq']}, which the checkpoint names, is missing"
assert all(seen in hashes for seen in sys.argv[2:]), "the hash that was seen before does not stand in the ledger"
print(f"{len(hashes) - 1} records, {offset} bytes, last hash {hashes[-1]}")
