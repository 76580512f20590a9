#!/usr/bin/env python3
"""Tests the TLS echo server of the examples with openssl's client.

Usage: test_tls_echo.py PROGRAM. Lines come back, a client that trusts nobody gets nowhere and harms
nobody, and on SIGTERM every client sees TLS's own end and the program ends with status 0.
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile

PATIENCE = 60  # seconds, for what takes milliseconds unless the machine is very busy


def make_certificate(folder):
    chain, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj", "/CN=localhost",
                    "-keyout", key, "-out", chain], check=True, capture_output=True,
                   timeout=PATIENCE)
    return chain, key


def client(port, *trust):
    return subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-quiet",
                             "-verify_return_error", *trust], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def check_echo(program, chain, key):
    server = subprocess.Popen([program, chain, key], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)
    try:
        first = server.stdout.readline()
        assert "listening on 127.0.0.1 port" in first, first + server.stderr.read()
        port = int(first.split()[-1])
        conn = client(port, "-CAfile", chain)
        for number in range(3):
            line = b"line %d\n" % number
            conn.stdin.write(line)
            conn.stdin.flush()
            assert conn.stdout.readline() == line
        _, why = client(port).communicate(timeout=PATIENCE)
        assert b"verify failed" in why or b"verify error" in why, why
        server.send_signal(signal.SIGTERM)
        assert conn.stdout.read() == b"", "the client sees the end"
        conn.stdin.close()
        assert conn.wait(timeout=PATIENCE) == 0, conn.stderr.read()
        out, err = server.communicate(timeout=PATIENCE)
        assert server.returncode == 0 and err == "", (server.returncode, out, err)
        assert out == "tls_echo: every connection is closed\n", out
    finally:
        server.kill()


def main():
    program = sys.argv[1]
    if not shutil.which("openssl"):
        print("openssl is not installed: skipped")
        return
    with tempfile.TemporaryDirectory() as folder:
        chain, key = make_certificate(folder)
        refusal = subprocess.run([program, chain, chain], capture_output=True, text=True,
                                 timeout=PATIENCE)
        assert refusal.returncode == 1, refusal
        if "built without OpenSSL" in refusal.stderr:
            print("built without OpenSSL: skipped")
            return
        assert "cannot use the key in" in refusal.stderr, refusal
        check_echo(program, chain, key)


if __name__ == "__main__":
    main()
