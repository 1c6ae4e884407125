#!/usr/bin/env bash
# A tour of the tickets API: an organizer, an event, a customer, a booking, a change, and the mails that follow. It can be run
# again, since it makes users of its own. Needs curl and node.
#
#   BASE_URL=http://localhost:3000 ./test-api.sh
#
# With AUTH=required, reading the mails needs an API key with the scope admin: API_KEY=dbk_… ./test-api.sh
set -euo pipefail
BASE_URL=${BASE_URL:-http://localhost:3000}
run=$(date +%s)-$$
body=$(mktemp)
trap 'rm -f "$body"' EXIT

say() { printf '\n== %s\n' "$*"; }

# call METHOD PATH TOKEN [JSON]: prints the answer; ends the script unless it is 2xx.
call() {
  local arguments=(-sS -o "$body" -w '%{http_code}' -X "$1")
  [ -n "$3" ] && arguments+=(-H "Authorization: Bearer $3")
  [ -n "${4:-}" ] && arguments+=(-H 'Content-Type: application/json' -d "$4")
  local status
  status=$(curl "${arguments[@]}" "$BASE_URL$2") || { echo "$BASE_URL does not answer: npm start" >&2; exit 1; }
  if [[ $status != 2* ]]; then
    echo "$1 $2 answered $status: $(cat "$body")" >&2
    exit 1
  fi
  cat "$body"
}

# field EXPRESSION: reads JSON from standard input and prints a part of it, such as .id or .data.length
field() {
  node -e "const text = require('fs').readFileSync(0, 'utf8');
    if (text === '') process.exit(1);
    const value = JSON.parse(text)$1;
    console.log(typeof value === 'string' ? value : JSON.stringify(value, null, 2));"
}

password=$(node -p "require('crypto').randomBytes(18).toString('base64url')")
organizer_email="organizer-$run@example.com"
customer_email="customer-$run@example.com"

register() {
  call POST /api/auth/register '' \
    "{\"name\": \"$1\", \"email\": \"$2\", \"password\": \"$password\", \"role\": \"$3\"}"
}

say "An organizer registers"
organizer=$(register 'City Hall' "$organizer_email" organizer | field .token)
call GET /api/auth/me "$organizer" | field ''

say "and publishes an event"
event=$(call POST /api/events "$organizer" '{
  "title": "Summer concert", "description": "Open air", "date": "2099-07-01T18:00:00Z", "location": "Town square",
  "total_tickets": 100, "price_cents": 2500, "currency": "USD"}' | field .id)
call GET "/api/events/$event" '' | field ''

say "A customer registers"
customer=$(register 'Visitor' "$customer_email" customer | field .token)

say "and books two tickets"
call POST /api/bookings "$customer" "{\"event_id\": \"$event\", \"num_tickets\": 2}" | field ''

say "The organizer moves the event"
call PATCH "/api/events/$event" "$organizer" '{"location": "City park"}' | field .location

say "The customer's bookings"
call GET /api/bookings/me "$customer" | field .bookings

say "The mails to the customer"
count=0
for _ in $(seq 60); do
  mails=$(call GET "/api/mail?to=$customer_email" "${API_KEY:-}")
  count=$(field ".messages.filter(({ status }) => status !== 'pending').length" <<< "$mails")
  [ "$count" -ge 2 ] && break
  sleep 0.5
done
if [ "$count" -lt 2 ]; then
  echo 'The two mails did not come within 30 s' >&2
  exit 1
fi
field ".messages.map(({ subject, status }) => subject + ' (' + status + ')').join('\n')" <<< "$mails"

say "The sales of the event, as a report over the books"
now=$(node -p 'new Date().toISOString()')
report=$(call POST /api/sync "${API_KEY:-}" "{
  \"report\": \"event-sales\", \"format\": \"jsonl\", \"payload\": {\"from\": \"2025-01-01\", \"to\": \"$now\"}}")
field '.totals' <<< "$report"
download=$(field .download_url <<< "$report")
sales=$(call GET "$download" "${API_KEY:-}" | grep "\"event_id\":\"$event\"")
field '' <<< "$sales"
if [ "$(field .net_cents <<< "$sales")" != 5000 ]; then
  echo 'The report does not have the two tickets of 25.00' >&2
  exit 1
fi

say 'Done'
