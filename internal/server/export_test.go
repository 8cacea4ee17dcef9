package server

// CloseToOthers is what every socket with a file goes through before it is bound.
var CloseToOthers = closeToOthers

// Users are the requests in flight of the running instance, and one more until the server
// ends.
func (s *Server) Users() int64 { return s.running.Load().users.Load() }
