"""Checks the chain of a ledger: python3 verify-ledger.py DATA_DIRECTORY"""
import hashlib, json, pathlib, sys
last, seq, offset = "0" * 64, 0, 0
for segment in sorted(pathlib.Path(sys.argv[1], "ledger").glob("*.log")):
    assert int(segment.stem) == offset, f"a segment is missing before {segment}"
    for line in segment.read_bytes().splitlines(keepends=True):
        stated, record = line[:64].decode(), line[65:-1]
        last, seq = hashlib.sha256(last.encode() + record).hexdigest(), seq + 1
        good = line[64:65] == b" " and line[-1:] == b"\n" and stated == last
        assert good and json.loads(record)["seq"] == seq, f"record {seq} at byte {offset} is not what was written"
        offset += len(line)
print(f"{seq} records, {offset} bytes, last hash {last}")
