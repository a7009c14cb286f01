"""Runs a command in a pseudo-terminal and does things to it when its screen shows a text.

Takes one JSON object as its argument, prints one: {"status": exit code, or minus a signal; null where
it did not end, "output": what it wrote to the terminal}.

  command   the program and its arguments
  columns   width of the terminal
  seconds   after which it is killed
  fifo      a named pipe that is fed with `first` at once
  first, rest   files: what is written to the pipe at once, and what by the step "feed"
  steps     [text, action] in their order: when the text was seen, do "feed", "close" (the pipe), "ctrl-c"
            or a signal by its name
"""
import fcntl, json, os, pty, select, signal, struct, sys, termios, threading, time

job = json.loads(sys.argv[1])
pid, terminal = pty.fork()
if pid == 0:
    time.sleep(0.1)  # until the terminal has its width
    os.execvp(job['command'][0], job['command'])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', 40, job['columns'], 0, 0))

pieces, fed = [], threading.Condition()


def feed():
    """Writes to the pipe what is asked for, and closes it in the end."""
    try:
        with open(job['fifo'], 'wb') as pipe:
            while True:
                with fed:
                    fed.wait_for(lambda: pieces)
                    name = pieces.pop(0)
                if name is None:
                    return
                with open(name, 'rb') as file:
                    pipe.write(file.read())
                pipe.flush()
    except BrokenPipeError:
        pass  # it ended before it had read everything


def push(*names):
    with fed:
        pieces.extend(names)
        fed.notify()


if job.get('fifo'):
    threading.Thread(target=feed, daemon=True).start()
    push(job['first'])

output, status, steps, seen = b'', None, list(job['steps']), 0
end = time.monotonic() + job['seconds']
while time.monotonic() < end:
    if select.select([terminal], [], [], 0.1)[0]:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            piece = b''
        if not piece:
            break
        output += piece
    while steps and steps[0][0].encode() in output[seen:]:
        text, action = steps.pop(0)
        seen = output.index(text.encode(), seen) + len(text)
        if action == 'feed':
            push(job['rest'], None)
        elif action == 'close':
            push(None)
        elif action == 'ctrl-c':
            os.write(terminal, b'\x03')
        else:
            os.kill(pid, getattr(signal, action))
while status is None and time.monotonic() < end:
    done, code = os.waitpid(pid, os.WNOHANG)
    if done:
        status = os.waitstatus_to_exitcode(code)
    else:
        time.sleep(0.02)
if status is None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
print(json.dumps({'status': status, 'output': output.decode(errors='replace')}))
