#!/bin/bash
# One-shot: gives Kibana's user its password and makes the users of wirewatch, each with the role of its name.
set -euo pipefail
put() {
  curl --silent --show-error --fail-with-body --cacert /certificates/ca/ca.crt --user "elastic:${ELASTIC_PASSWORD}" \
    --request PUT --header 'Content-Type: application/json' --data "$2" "https://elasticsearch:9200/_security/$1"
  echo " $1"
}
put user/kibana_system/_password "{\"password\": \"${KIBANA_PASSWORD}\"}"
for name in setup sink console dashboards; do
  variable="WIREWATCH_${name^^}_PASSWORD"
  put "user/wirewatch_${name}" "{\"password\": \"${!variable}\", \"roles\": [\"wirewatch_${name}\"]}"
done
