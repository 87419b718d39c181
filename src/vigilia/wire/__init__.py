"""What travels between a reactor's agent and the server: protocol buffers, and the code made from them."""
