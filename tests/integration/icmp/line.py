"""A bad line: answers the IPv4 echoes that reach an interface, late, or never, or with lies before the truth.

line.py INTERFACE DELAY_MS LOST [--lie]    LOST: numbers of echoes (from 1) that get no answer, with commas
"""

import argparse
import heapq
import select
import socket
import time

IPV4 = 0x0800
ECHO, REPLY = 8, 0


def checksummed(packet: bytes, at: int) -> bytes:
    """The packet with its Internet checksum (RFC 1071) at an offset."""
    bare = packet[:at] + b"\0\0" + packet[at + 2 :]
    padded = bare + b"\0" * (len(bare) % 2)
    total = sum(int.from_bytes(padded[index : index + 2], "big") for index in range(0, len(padded), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return bare[:at] + (~total & 0xFFFF).to_bytes(2, "big") + bare[at + 2 :]


def reply(frame: bytes) -> bytes:
    """The frame that answers an echo."""
    header = (frame[14] & 0xF) * 4
    ip, icmp = frame[14 : 14 + header], frame[14 + header :]
    ip = ip[:12] + ip[16:20] + ip[12:16] + ip[20:]
    icmp = checksummed(bytes([REPLY]) + icmp[1:], 2)
    return frame[6:12] + frame[:6] + frame[12:14] + checksummed(ip, 10) + icmp


def lies(frame: bytes) -> list[bytes]:
    """Replies with another sequence number, another payload, and from another address."""
    start = 14 + (frame[14] & 0xF) * 4
    icmp = frame[start:]
    other_sequence = icmp[:7] + bytes([icmp[7] ^ 0x55]) + icmp[8:]
    other_payload = icmp[:-1] + bytes([icmp[-1] ^ 0x55])
    ip = frame[14:start]
    other_address = frame[:14] + checksummed(ip[:15] + bytes([ip[15] ^ 0x55]) + ip[16:], 10) + icmp
    return [
        frame[:start] + checksummed(other_sequence, 2),
        frame[:start] + checksummed(other_payload, 2),
        other_address,
        frame[: start + 4],
    ]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("interface")
    parser.add_argument("delay_ms", type=float)
    parser.add_argument("lost")
    parser.add_argument("--lie", action="store_true")
    arguments = parser.parse_args()
    lost = {int(number) for number in arguments.lost.split(",")}
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(IPV4)) as line:
        line.bind((arguments.interface, IPV4))
        print("ready", flush=True)
        echoes, due = 0, []
        while True:
            wait = max(0.0, due[0][0] - time.monotonic()) if due else None
            if select.select([line], [], [], wait)[0]:
                frame = line.recv(65_536)
                if frame[23] == socket.IPPROTO_ICMP and frame[14 + (frame[14] & 0xF) * 4] == ECHO:
                    echoes += 1
                    answer = reply(frame)
                    for lie in lies(answer) if arguments.lie else []:
                        line.send(lie)
                    if echoes not in lost:
                        heapq.heappush(due, (time.monotonic() + arguments.delay_ms / 1000, echoes, answer))
            while due and due[0][0] <= time.monotonic():
                line.send(heapq.heappop(due)[2])


main()
