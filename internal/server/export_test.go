package server

// CloseToOthers is what every socket with a file goes through before it is bound.
var CloseToOthers = closeToOthers
