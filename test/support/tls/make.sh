#!/bin/sh
# Makes the certificates of the tests: an authority, a server (localhost) and a client signed by it.
set -eu
cd "$(dirname "$0")"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 \
  -subj "/CN=Millrace test authority" -keyout ca-key.pem -out ca.pem
for name in server client; do
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$name" \
    -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" -keyout "$name-key.pem" -out "$name.csr"
  openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 36500 \
    -copy_extensions copyall -out "$name.pem"
done
rm -f ./*.csr ./*.srl ca-key.pem
