"""The six calls through rudder-sdk-python: URL and write key as arguments, its errors as JSON lines."""

import json
import sys

from rudderstack.analytics.client import Client

url, write_key = sys.argv[1:]


def say(error: Exception, _: object) -> None:
    sys.stdout.write(json.dumps(str(error)) + "\n")


client = Client(write_key, host=url, upload_interval=0.2, on_error=say)
client.identify("u1", {"email": "a@example.com", "age": 30})
client.track("u1", "Order Completed", {"order_id": "o1", "total": 27.5, "currency": "EUR"})
client.page("u1", "shop", "Home", {"url": "https://shop.example/"})
client.screen("u1", "shop", "Start", {"tab": 1})
client.group("u1", "g1", {"name": "Example"})
client.alias("a1", "u1")
client.flush()
client.join()
