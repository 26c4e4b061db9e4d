"""Work as values: tasks that are executed here or in other processes, and whose partial results may be kept as files.

Knows nothing of models. Results come in the order of the tasks, wherever they were worked out, so that what is made of
them is equal to the byte.
"""

from __future__ import annotations

from independence_audit.work.background import Background
from independence_audit.work.executors import Executor, Here, Processes, cores, shared_event
from independence_audit.work.partial_results import Kept
from independence_audit.work.tasks import Algorithm, Codec, Task

__all__ = ["Algorithm", "Background", "Codec", "Executor", "Here", "Kept", "Processes", "Task", "cores", "shared_event"]
