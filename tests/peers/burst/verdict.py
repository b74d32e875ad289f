"""What the journals of workers say of a burst: verdict.py COUNT JOURNAL...

Each job must have been started; one that was started again, only after the lock of the start before had run out. Lines are
"start KEY NUMBER WALL_MS DEADLINE_MS"; a last line without its end is of a worker that was killed. Prints a line, ends with
1 when something is wrong.
"""
import sys

starts = {}
for name in sys.argv[2:]:
    with open(name) as journal:
        for line in journal:
            words = line.split()
            if line.endswith("\n") and words[0] == "start":
                number, wall, deadline = (int(word) for word in words[2:5])
                starts.setdefault(number, []).append((wall, deadline))

missing = sorted(set(range(int(sys.argv[1]))) - set(starts))
again = early = 0
for of_job in starts.values():
    of_job.sort()
    for (_, deadline), (wall, _) in zip(of_job, of_job[1:]):
        again += 1
        early += wall < deadline
print(f"{len(starts)} jobs, {again} started again, {early} of these under a lock, missing: {missing[:10]}")
sys.exit(1 if missing or early else 0)
