"""Receives mail and keeps every message as a file: MILLISECONDS-NUMBER.eml, its recipients in X-Envelope-To.

Usage: FOLDER PORT [starttls|tls OWN]: with the certificate in OWN, and only from who logs in as LOGIN says. Files of the
folder say what it does otherwise: `refuse` what it answers to messages, `stranger` what to recipients; `drop`: it takes
the next message, and the answer never comes."""
import asyncio, json, os, ssl, sys, time
from aiosmtpd.smtp import SMTP, AuthResult


class Keep:
    def __init__(self, folder):
        self.folder = folder
        self.number = 0

    def told(self, name):
        try:
            with open(os.path.join(self.folder, name)) as answer:
                return answer.read()
        except FileNotFoundError:
            return None

    async def handle_RCPT(self, server, session, envelope, address, options):
        if refusal := self.told("stranger"):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if refusal := self.told("refuse"):
            return refusal
        self.number += 1
        name = os.path.join(self.folder, f"{time.time_ns() // 1_000_000}-{self.number}")
        with open(name, "wb") as file:
            file.write(b"X-Envelope-To: " + ",".join(envelope.rcpt_tos).encode() + b"\r\n")
            file.write(envelope.original_content)
        os.rename(name, name + ".eml")
        if self.told("drop") is not None:
            os.remove(os.path.join(self.folder, "drop"))
            server.transport.abort()
        return "250 kept"


def login(server, session, envelope, mechanism, given):
    said = f"{given.login.decode()}:{given.password.decode()}"
    # Not handled: the server answers for us.
    return AuthResult(success=said == os.environ["LOGIN"], handled=False)


async def main():
    folder, port, *door = sys.argv[1:]
    keep, options, wrapped = Keep(folder), {}, None
    if door:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(os.path.join(door[1], "mail.crt"), os.path.join(door[1], "mail.key"))
        options = {"authenticator": login, "auth_required": True, "auth_require_tls": door[0] == "starttls"}
        if door[0] == "starttls":
            options |= {"tls_context": context, "require_starttls": True}
        else:
            wrapped = context
    loop = asyncio.get_running_loop()
    make = lambda: SMTP(keep, hostname="mail.school.test", **options)
    server = await loop.create_server(make, "127.0.0.1", int(port), ssl=wrapped)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


asyncio.run(main())
