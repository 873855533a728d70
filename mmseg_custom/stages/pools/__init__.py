"""Where the runs of a stage are trained side by side: processes of this machine, or a Ray cluster."""
