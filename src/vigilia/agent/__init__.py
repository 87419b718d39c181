"""The program on a reactor: reads probes, drives outputs, keeps samples, and talks to the server when there is one."""
