#!/bin/bash
# One-shot: makes the certificate authority and the certificates of Elasticsearch and Kibana, once.
set -euo pipefail
cd /certificates
if [ ! -f ca/ca.crt ]; then
  elasticsearch-certutil ca --silent --pem --out ca.zip
  unzip -q -o ca.zip && rm ca.zip
fi
if [ ! -f elasticsearch/elasticsearch.crt ]; then
  cat > instances.yml <<'YAML'
instances:
  - {name: elasticsearch, dns: [elasticsearch, localhost], ip: [127.0.0.1]}
  - {name: kibana, dns: [kibana, localhost], ip: [127.0.0.1]}
YAML
  elasticsearch-certutil cert --silent --pem --in instances.yml --out certificates.zip \
    --ca-cert ca/ca.crt --ca-key ca/ca.key
  unzip -q -o certificates.zip && rm certificates.zip instances.yml
fi
# Elasticsearch and Kibana run as 1000 in group 0; wirewatch reads ca/ca.crt only.
chown -R 1000:0 .
find . -type d -exec chmod 755 {} +
find . -name '*.crt' -exec chmod 644 {} +
find . -name '*.key' -exec chmod 640 {} +
echo "certificates are in place"
