"""What a training run leaves behind: loggers, its code revision, tables and pictures."""
