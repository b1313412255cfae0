"""What importing this room costs: a plan of a suite loads neither torch nor data libraries."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_no_data_set_or_partition_imports_torch():
    code = (
        "import sys\n"
        "from bench.registry import DATASETS, PARTITIONS\n"
        "for registry in (DATASETS, PARTITIONS):\n"
        "    for name, entry in registry.entries().items():\n"
        "        if entry.origin.startswith('datasets/'): registry.get(name)\n"
        "import datasets.split, datasets.heterogeneity\n"
        "print(sorted({'torch', 'torchvision', 'sklearn', 'pandas', 'scipy', 'rich'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
