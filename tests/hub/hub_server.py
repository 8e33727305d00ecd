"""A server that speaks the part of the Hugging Face Hub's API that downloads need, with faults to order.

Two servers on two ports: the Hub itself, and the store to which it redirects large files. As documented in
https://huggingface.co/docs/hub/api and in huggingface_hub's reference:

    GET /api/models/NAME/revision/REVISION[?blobs=true]   the commit ("sha") and the files ("siblings")
    GET /api/models/NAME/tree/REVISION                    the files, as huggingface_hub's snapshot_download asks
    GET, HEAD /NAME/resolve/REVISION/FILE                 a small file, or a redirect to the store
"""
import hashlib
import http.server
import json
import mmap
import os
import re
import threading
import time
import urllib.parse


class FileBytes(mmap.mmap):
    """The bytes of a large open file, which the system sends (sendfile): the server is not what a test measures."""

    def __new__(cls, file):
        data = super().__new__(cls, file.fileno(), 0, prot=mmap.PROT_READ)
        data.file = file
        return data


def git_hash(data):
    digest = hashlib.sha1(b"blob %d\0" % len(data))
    digest.update(data)
    return digest.hexdigest()


class Model:
    """A repository: `files` by name; those in `large` are stored by their SHA-256 and redirected.

    `token`: who has access; `gated`: True, or "files" if the list is public, as on the Hub.
    """

    def __init__(self, files, large=(), revisions=(), token=None, gated=False):
        self.files, self.large, self.token, self.gated = dict(files), set(large), token, gated
        names = "".join(name + git_hash(data) for name, data in sorted(self.files.items()))
        self.commit = hashlib.sha1(names.encode("utf-8", "surrogatepass")).hexdigest()
        self.revisions = {"main", self.commit, *revisions}
        self.listing = None  # replaces the answer of the API
        self.blobs = True  # whether the API tells sizes and hashes
        self.hashes = {}  # wrong ones, by file name

    def etag(self, name):
        data = self.files[name]
        return self.hashes.get(name) or (hashlib.sha256(data).hexdigest() if name in self.large else git_hash(data))

    def sibling(self, name, blobs):
        data = self.files[name]
        entry = {"rfilename": name}
        if blobs and self.blobs:
            entry["size"] = len(data)
            if name in self.large:
                entry["blobId"] = git_hash(b"pointer " + data[:100])
                entry["lfs"] = {"sha256": self.etag(name), "size": len(data), "pointerSize": 134}
            else:
                entry["blobId"] = self.hashes.get(name) or git_hash(data)
        return entry

    def tree_entry(self, name):
        data = self.files[name]
        entry = {"type": "file", "path": name, "size": len(data), "oid": git_hash(data)}
        if name in self.large:
            entry["lfs"] = {"oid": self.etag(name), "size": len(data), "pointerSize": 134}
        return entry


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.answer(head=True)

    def do_GET(self):
        self.answer(head=False)

    def answer(self, head):
        hub = self.server.hub
        if self.path.startswith("http://"):  # as a proxy
            self.path = "/" + self.path.split("/", 3)[3]
        path, _, query = self.path.partition("?")
        with hub.lock:
            hub.requests.append((self.server.role, self.command, self.path, dict(self.headers.items())))
        fault = hub.take_fault(self.server.role, self.command, path)
        if fault is not None and not fault(self):
            return
        if self.server.role == "store":
            return self.send_file(hub.stored.get(path.rsplit("/", 1)[-1], b""), head, {"ETag": '"of-the-store"'})
        path = urllib.parse.unquote(path, errors="surrogateescape")
        for pattern, action in ((r"/api/models/(.+)/revision/(.+)", self.send_listing),
                                (r"/api/models/(.+)/tree/([^/]+)", self.send_tree),
                                (r"/([^/]+(?:/[^/]+)?)/resolve/([^/]+)/(.+)", self.send_entry)):
            found = re.fullmatch(pattern, path)
            if found:
                return self.with_model(action, head, query, *found.groups())
        self.refuse(404)

    def with_model(self, action, head, query, name, revision, *rest):
        hub = self.server.hub
        if name in hub.moved:
            return self.refuse(307, Location=self.path.replace(name, hub.moved[name], 1))
        model = hub.models.get(name)
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if given and given not in hub.tokens:
            return self.refuse(401, **{"X-Error-Message": "Invalid credentials in Authorization header"})
        listed = model is not None and model.gated == "files" and action == self.send_listing
        if model is not None and model.gated and given != model.token and not listed:
            return self.refuse(403 if given else 401, **{"X-Error-Code": "GatedRepo"})
        if model is None or (model.token is not None and not model.gated and given != model.token):
            return self.refuse(404 if given else 401, **{"X-Error-Code": "RepoNotFound"})
        if revision not in model.revisions:
            return self.refuse(404, **{"X-Error-Code": "RevisionNotFound"})
        model.name = name
        action(model, head, query, *rest)

    def refuse(self, status, **headers):
        body = b"refused"
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_json(self, value):
        text = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def send_listing(self, model, head, query):
        if model.listing is not None:
            return self.send_json(model.listing)
        blobs = "blobs=true" in query.lower()
        self.send_json({"_id": "0", "id": model.name, "modelId": model.name, "private": False, "gated": False, "tags": [],
                        "downloads": 1, "likes": 1, "sha": model.commit,
                        "siblings": [model.sibling(name, blobs) for name in model.files]})

    def send_tree(self, model, head, query):
        self.send_json([model.tree_entry(name) for name in model.files])

    def send_entry(self, model, head, query, name):
        if name not in model.files:
            return self.refuse(404, **{"X-Error-Code": "EntryNotFound", "X-Repo-Commit": model.commit})
        data, etag = model.files[name], model.etag(name)
        headers = {"X-Repo-Commit": model.commit, "ETag": f'"{etag}"'}
        if name not in model.large:
            return self.send_file(data, head, headers)
        hub = self.server.hub
        stored = hashlib.sha256(f"{model.commit} {name}".encode()).hexdigest()
        hub.stored[stored] = data
        headers.update({"X-Linked-Etag": f'"{etag}"', "X-Linked-Size": str(len(data)),
                        "Location": f"{hub.store_url}/store/{stored}?signature=secret-of-url"})
        self.refuse(302, **headers)

    def send_file(self, data, head, headers):
        hub = self.server.hub
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")) if hub.ranges else None
        begin = int(wanted[1]) if wanted else 0
        end = min(int(wanted[2]) + 1 if wanted and wanted[2] else len(data), len(data))
        if wanted and begin >= len(data):
            return self.refuse(416, **{"Content-Range": f"bytes */{len(data)}"})
        self.send_response(206 if wanted else 200)
        for key, value in headers.items():
            self.send_header(key, value)
        if wanted:
            self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{len(data)}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(end - begin))
        self.end_headers()
        if head:
            return
        limit = self.server.hub.take_cut(self.server.role)
        if isinstance(data, FileBytes) and limit is None:
            return self.send_range(data.file, begin, end)
        view = memoryview(data)[begin:end if limit is None else min(end, begin + limit)]
        try:
            for at in range(0, len(view), hub.piece):
                self.wfile.write(view[at:at + hub.piece])
                if hub.pause:
                    time.sleep(hub.pause)
            self.wfile.flush()
        except OSError:
            pass  # the client went away
        if limit is not None:
            self.close_connection = True

    def send_range(self, file, begin, end):
        self.wfile.flush()
        try:
            while begin < end:
                begin += os.sendfile(self.connection.fileno(), file.fileno(), begin, end - begin)
        except OSError:
            pass  # the client went away


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass  # a client that was killed


class HubServer:
    """Both servers, in threads of this process."""

    def __init__(self):
        self.models, self.moved, self.tokens = {}, {}, set()
        self.stored, self.requests, self.faults, self.cuts = {}, [], [], []
        self.ranges, self.piece, self.pause = True, 1 << 20, 0
        self.lock = threading.Lock()
        self.servers = []
        for role in ("hub", "store"):
            server = Server(("127.0.0.1", 0), Handler)
            server.hub, server.role = self, role
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            self.servers.append(server)
        self.url, self.store_url = (f"http://127.0.0.1:{server.server_port}" for server in self.servers)

    def close(self):
        for server in self.servers:
            server.shutdown()
            server.server_close()

    def take_fault(self, role, method, path):
        """Faults are (role, part of the path, function): it answers itself and returns False, or returns True."""
        with self.lock:
            for i, (wanted, part, action) in enumerate(self.faults):
                if wanted == role and part in path:
                    return self.faults.pop(i)[2]
        return None

    def fail(self, role, part, status, times=1, **headers):
        """The next `times` requests to a path with `part` are answered with `status`."""
        def action(handler):
            handler.refuse(status, **{key.replace("_", "-"): value for key, value in headers.items()})
            return False
        self.faults += [(role, part, action)] * times

    def take_cut(self, role):
        """Bytes after which the next body from the store ends; None: never."""
        with self.lock:
            return self.cuts.pop(0) if role == "store" and self.cuts else None

    def seen(self, role, part=""):
        return [request for request in self.requests if request[0] == role and part in request[2]]
