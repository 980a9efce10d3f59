"""Receives mail and keeps every message as a file: MILLISECONDS-NUMBER.eml, its recipients in X-Envelope-To."""
import asyncio, json, os, sys, time
from aiosmtpd.smtp import SMTP


class Keep:
    def __init__(self, folder):
        self.folder = folder
        self.number = 0

    async def handle_DATA(self, server, session, envelope):
        if os.path.exists(os.path.join(self.folder, "refuse")):
            return "451 not now"
        self.number += 1
        name = os.path.join(self.folder, f"{time.time_ns() // 1_000_000}-{self.number}")
        with open(name, "wb") as file:
            file.write(b"X-Envelope-To: " + ",".join(envelope.rcpt_tos).encode() + b"\r\n")
            file.write(envelope.original_content)
        os.rename(name, name + ".eml")
        return "250 kept"


async def main():
    keep = Keep(sys.argv[1])
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(keep, hostname="mail.school.test"), "127.0.0.1", int(sys.argv[2]))
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


asyncio.run(main())
