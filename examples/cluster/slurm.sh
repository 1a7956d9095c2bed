#!/bin/bash
# Ten seeds of split MNIST in five tasks of a Slurm array: sbatch slurm.sh
#SBATCH --job-name=split-mnist
#SBATCH --array=1-5
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=4
#SBATCH --mem=8G
#SBATCH --time=04:00:00
# Sixty seconds before the time is up, si gets SIGTERM and ends, as it does when the task is preempted. A task that is put
# back into the queue goes on from its checkpoints.
#SBATCH --signal=TERM@60
#SBATCH --requeue
#SBATCH --open-mode=append

# A folder that all nodes see. All tasks write there, each to a separate file.
out=${OUT:-runs/split-mnist-cluster}

# One thread per run is the same on every node, and fastest for small networks.
srun si split-mnist --seeds 10 --threads 1 --out "$out" --shard auto
