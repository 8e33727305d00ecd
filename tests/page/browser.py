"""Drives a headless Chromium through its debugging pipe: JSON messages that end in a zero byte, and nothing to install."""
import base64
import fcntl
import json
import os
import shutil
import subprocess
import time


def find_chromium():
    """The path of a Chromium or Chrome, or None."""
    names = [os.environ.get("PARE_CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"]
    return next((path for path in map(shutil.which, filter(None, names)) if path), None)


class Browser:
    def __init__(self, program, profile):
        to_browser, from_browser = os.pipe(), os.pipe()
        # Chromium reads descriptor 3 and writes 4; numbers that are out of their way are moved there.
        reads = fcntl.fcntl(to_browser[0], fcntl.F_DUPFD, 10)
        writes = fcntl.fcntl(from_browser[1], fcntl.F_DUPFD, 10)

        def place():
            os.dup2(reads, 3)
            os.dup2(writes, 4)

        self.log = open(os.path.join(profile, "chromium.log"), "wb")
        self.process = subprocess.Popen(
            [program, "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--no-first-run",
             "--disable-dev-shm-usage", "--disable-background-networking", "--hide-scrollbars",
             f"--user-data-dir={profile}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, pass_fds=(3, 4), preexec_fn=place)
        for descriptor in (to_browser[0], from_browser[1], reads, writes):
            os.close(descriptor)
        self.write, self.read = to_browser[1], os.fdopen(from_browser[0], "rb", 0)
        self.buffer, self.number, self.events, self.session = b"", 0, [], None

    def close(self):
        try:
            self.call("Browser.close", session=False)
        except (OSError, RuntimeError):
            pass
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def _next(self):
        while b"\0" not in self.buffer:
            part = self.read.read(1 << 16)
            if not part:
                raise RuntimeError("Chromium ended; see chromium.log in its profile")
            self.buffer += part
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, session=True, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if session and self.session:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.write, data):]
        while True:
            answer = self._next()
            if answer.get("id") != self.number:
                self.events.append(answer)
            elif "error" in answer:
                raise RuntimeError(f"{method}: {answer['error']['message']}")
            else:
                return answer["result"]

    def evaluate(self, script):
        """The value of a JavaScript expression, awaited if it is a promise."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise RuntimeError(details.get("exception", {}).get("description", details["text"]))
        return answer["result"].get("value")

    def open(self, url, width=1400, height=900, dark=False):
        """Opens the address in a new tab of this size, and waits until it is loaded. Events are kept from then on."""
        if self.session:
            self.call("Page.close")
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.events = []
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            self.call(f"{domain}.enable")
        self.resize(width, height)
        self.scheme(dark)
        self.call("Page.navigate", url=url)
        deadline = time.time() + 30
        while self.evaluate("document.readyState") != "complete":
            if time.time() > deadline:
                raise RuntimeError(f"{url} was not loaded within 30 s")
            time.sleep(0.02)
        self.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done, 50)))")

    def resize(self, width, height):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def scheme(self, dark=False, media=""):
        self.call("Emulation.setEmulatedMedia", media=media,
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowUp": 38,
            "ArrowRight": 39, "ArrowDown": 40}

    def press(self, key):
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=self.KEYS[key], **text)

    def type(self, text):
        self.call("Input.insertText", text=text)

    def move(self, x, y):
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def click(self, x, y):
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def screenshot(self, path, whole=False):
        picture = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        with open(path, "wb") as file:
            file.write(base64.b64decode(picture["data"]))

    def pdf(self):
        return base64.b64decode(self.call("Page.printToPDF")["data"])

    def complaints(self):
        """Messages of the console and of the browser's log, exceptions, and requests for anything but the page."""
        found = []
        for event in self.events:
            method, details = event.get("method"), event.get("params", {})
            if method == "Runtime.consoleAPICalled":
                found.append("console: " + " ".join(str(a.get("value", a.get("description"))) for a in details["args"]))
            elif method == "Runtime.exceptionThrown":
                found.append("exception: " + json.dumps(details["exceptionDetails"])[:300])
            elif method == "Log.entryAdded":
                found.append("log: " + details["entry"]["text"])
            elif method == "Network.requestWillBeSent" and details.get("type") != "Document":
                found.append("request: " + details["request"]["url"][:200])
        return found
