comptime {}
