"""How long it takes to import a module, or a name from it, in an interpreter that has nothing yet.

    python -m benchmarks.importing MODULE [NAME]

Imports of this file itself are few, and not counted. Prints JSON.
"""

import importlib
import json
import sys
import time


def main() -> None:
    """Import what the command line names."""
    try:
        wall, cpu = time.perf_counter(), time.process_time()
        module = importlib.import_module(sys.argv[1])
        for name in sys.argv[2:]:
            getattr(module, name)
        spent = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    except ImportError as error:
        print(json.dumps({"skipped": str(error)}))
    else:
        print(json.dumps(spent))


if __name__ == "__main__":
    main()
