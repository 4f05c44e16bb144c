"""A guest made of a network namespace, for tests: plays QEMU on a tap and a machine behind it.

guest.py NAMESPACE [DATA_PLANE TAP MAC]
Opens TAP in DATA_PLANE as QEMU does (with virtio-net headers), makes eth0 in NAMESPACE and carries
frames between the two. Without a tap it is only a caller in NAMESPACE. Commands come as JSON lines
{"id", "do", ...} on stdin, answers go as JSON lines {"id", "ok"} or {"id", "error"} to stdout.
"""
import ctypes, fcntl, json, os, select, socket, struct, subprocess, sys, threading, time

libc = ctypes.CDLL(None, use_errno=True)
HEADER = 10
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 2, 0x1000, 0x4000


def enter(namespace):
    fd = os.open('/run/netns/' + namespace, os.O_RDONLY)
    if libc.setns(fd, 0x40000000) != 0:
        raise OSError(ctypes.get_errno(), 'setns ' + namespace)
    os.close(fd)


def open_tap(name, flags):
    fd = os.open('/dev/net/tun', os.O_RDWR)
    fcntl.ioctl(fd, 0x400454CA, struct.pack('16sH22x', name.encode(), IFF_TAP | IFF_NO_PI | flags))
    return fd


def pump(outer, inner):
    while True:
        for fd in select.select([outer, inner], [], [])[0]:
            try:
                if fd == outer:
                    os.write(inner, os.read(outer, 70000)[HEADER:])
                else:
                    os.write(outer, bytes(HEADER) + os.read(inner, 70000))
            except OSError:
                # One end of the link is down: the frame is lost, as on a wire.
                time.sleep(0.01)


def raw_socket():
    return socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))


class Guest:
    def __init__(self, mac):
        self.mac = bytes.fromhex(mac.replace(':', '')) if mac else b''
        self.connections = {}
        self.frames = None
        self.heard = []

    def raw(self, frame):
        with raw_socket() as s:
            s.bind(('eth0', 0))
            s.send(bytes.fromhex(frame))

    def sniff(self, device='eth0'):
        """Keeps what arrives at a device from now on; what was kept before is forgotten."""
        self.frames = []
        kept = self.frames
        s = raw_socket()
        s.bind((device, 0))

        def loop():
            while self.frames is kept:
                if select.select([s], [], [], 0.2)[0]:
                    try:
                        data, source = s.recvfrom(70000)
                    except OSError:
                        return  # the device is gone
                    if source[2] != 4:
                        kept.append(data.hex())
            s.close()

        threading.Thread(target=loop, daemon=True).start()

    def sniffed(self):
        return list(self.frames or [])

    def listen(self, port, address='0.0.0.0'):
        server = socket.create_server((address, port), reuse_port=False)

        def serve(conn):
            while data := conn.recv(4096):
                conn.sendall(data)

        def loop():
            while True:
                conn, peer = server.accept()
                conn.sendall((peer[0] + '\n').encode())
                threading.Thread(target=serve, args=(conn,), daemon=True).start()

        threading.Thread(target=loop, daemon=True).start()

    def connect(self, address, port, timeout=1.5, name='c', source=''):
        """Connects to a `listen`; answers the address under which the other side sees us, or None."""
        s = socket.socket()
        s.settimeout(timeout)
        try:
            s.bind((source, 0))
            s.connect((address, port))
            seen = s.recv(100).decode().strip()
        except OSError:
            s.close()
            return None
        self.connections[name] = s
        return seen

    def talk(self, text, name='c', timeout=1.5):
        """Sends over a connection; the echo, or None when it does not come."""
        s = self.connections[name]
        s.settimeout(timeout)
        try:
            s.sendall(text.encode())
            return s.recv(4096).decode()
        except OSError:
            return None

    def hear(self, port):
        """Keeps the text of every datagram to that port, for `all_heard`."""
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind(('0.0.0.0', port))

        def loop():
            while True:
                self.heard.append(s.recv(65000).decode())

        threading.Thread(target=loop, daemon=True).start()

    def all_heard(self):
        return self.heard

    def udp_echo(self, port, address='0.0.0.0'):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind((address, port))

        def loop():
            while True:
                data, peer = s.recvfrom(65000)
                s.sendto(data, peer)

        threading.Thread(target=loop, daemon=True).start()

    def udp(self, address, port, text='x', size=0, timeout=1.5, source_port=0):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(('0.0.0.0', source_port))
            s.settimeout(timeout)
            payload = text.encode() + b'.' * size
            try:
                s.sendto(payload, (address, port))
                return s.recv(70000) == payload
            except OSError:
                return False

    def ping(self, address, timeout=1.5):
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as s:
            s.settimeout(timeout)
            ident = os.urandom(2)
            body = b'\x08\x00' + b'\x00\x00' + ident + b'\x00\x01'
            total = sum(struct.unpack('!4H', body))
            total = ~((total >> 16) + (total & 0xFFFF)) & 0xFFFF
            try:
                s.sendto(body[:2] + struct.pack('!H', total) + body[4:], (address, 0))
                end = time.time() + timeout
                while time.time() < end:
                    data, _ = s.recvfrom(2000)
                    if data[20] == 0 and data[24:26] == ident:
                        return True
            except OSError:
                return False
            return False

    def dhcp(self, timeout=3, chaddr=None):
        """Discover and request as a client does (RFC 2131); the acknowledged options, or None."""
        hardware = bytes.fromhex(chaddr.replace(':', '')) if chaddr else self.mac
        with raw_socket() as s:
            s.bind(('eth0', 0))
            xid = os.urandom(4)
            offer = self._exchange(s, hardware, xid, b'\x35\x01\x01', timeout)
            if offer is None:
                return None
            extra = b'\x35\x01\x03\x32\x04' + offer['yiaddr'] + b'\x36\x04' + bytes.fromhex(offer['54'])
            ack = self._exchange(s, hardware, xid, extra, timeout)
        if ack is None:
            return None
        ack['address'] = socket.inet_ntoa(ack.pop('yiaddr'))
        return ack

    def _exchange(self, s, hardware, xid, options, timeout):
        wanted = b'\x37\x08\x01\x03\x06\x0c\x1a\x79\xf9\x33'
        message = b'\x01\x01\x06\x00' + xid + b'\x00\x00\x80\x00' + bytes(16) + hardware + bytes(202)
        message += b'\x63\x82\x53\x63' + options + wanted + b'\xff'
        s.send(ethernet(b'\xff' * 6, self.mac, ipv4('0.0.0.0', '255.255.255.255', 68, 67, message)))
        end = time.time() + timeout
        while time.time() < end:
            if not select.select([s], [], [], 0.1)[0]:
                continue
            frame = s.recv(2000)
            if len(frame) < 282 or frame[12:14] != b'\x08\x00' or frame[34:38] != b'\x00\x43\x00\x44':
                continue
            if frame[46:50] != xid:
                continue
            found, rest = {'yiaddr': frame[58:62]}, frame[282:]
            while rest and rest[0] != 255:
                if rest[0] == 0:
                    rest = rest[1:]
                    continue
                found[str(rest[0])] = rest[2 : 2 + rest[1]].hex()
                rest = rest[2 + rest[1] :]
            if found.get('53') in ('02', '05'):
                return found
        return None


def checksum(data):
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while total >> 16:
        total = (total >> 16) + (total & 0xFFFF)
    return ~total & 0xFFFF


def ethernet(target, source, packet):
    return target + source + b'\x08\x00' + packet


def ipv4(source, target, sport, dport, payload):
    udp = struct.pack('!4H', sport, dport, 8 + len(payload), 0) + payload
    head = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, socket.inet_aton(source), socket.inet_aton(target))
    return head[:10] + struct.pack('!H', checksum(head)) + head[12:] + udp


def main():
    namespace, rest = sys.argv[1], sys.argv[2:]
    outer = None
    if rest:
        enter(rest[0])
        outer = open_tap(rest[1], IFF_VNET_HDR)
    enter(namespace)
    guest = Guest(rest[2] if rest else '')
    if outer is not None:
        inner = open_tap('eth0', 0)
        subprocess.run(['ip', 'link', 'set', 'eth0', 'address', rest[2], 'up'], check=True)
        threading.Thread(target=pump, args=(outer, inner), daemon=True).start()
    lock = threading.Lock()

    def answer(request):
        number, what = request.pop('id'), request.pop('do')
        try:
            reply = {'id': number, 'ok': getattr(guest, what)(**request)}
        except Exception as error:
            reply = {'id': number, 'error': repr(error)}
        with lock:
            print(json.dumps(reply), flush=True)

    print(json.dumps({'id': 0, 'ok': 'ready'}), flush=True)
    for line in sys.stdin:
        threading.Thread(target=answer, args=(json.loads(line),), daemon=True).start()


main()
