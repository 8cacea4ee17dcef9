package setup

// SpareHeap returns memory that nothing touches, so the system gives none for it. As long
// as it is kept, Go waits for 16 MB more of garbage: it collects garbage when there is as
// much as memory in use, of which a gateway has so little that it would happen dozens of
// times a second.
func SpareHeap() []byte { return make([]byte, 16<<20) }
