"""A mail server for tests: takes every message and writes it to a folder, or refuses as it is told."""
import os
import signal
import sys

from aiosmtpd.controller import Controller

folder, port = sys.argv[1], int(sys.argv[2])


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if os.path.exists(os.path.join(folder, "refuse")):
            return "550 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        number = sum(name.endswith(".eml") for name in os.listdir(folder))
        path = os.path.join(folder, f"{number:05}")
        with open(path, "wb") as file:
            file.write(("X-To: " + ",".join(envelope.rcpt_tos) + "\n").encode() + envelope.content)
        os.rename(path, path + ".eml")
        if os.path.exists(os.path.join(folder, "drop")):
            # Taken, but the answer never comes: the sender cannot know.
            os.remove(os.path.join(folder, "drop"))
            server.transport.abort()
        return "250 OK"


Controller(Handler(), hostname="127.0.0.1", port=port).start()
signal.sigwait({signal.SIGTERM})
