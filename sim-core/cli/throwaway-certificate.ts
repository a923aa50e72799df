/** Stands in for every certificate that SDS would bring when a configuration is printed as a file: self-signed, for tests alone, of no value to anybody. */
export const throwawayCertificate = `-----BEGIN CERTIFICATE-----
MIIBxDCCAWqgAwIBAgIUIwfAvjnyFMxOjwMYAbtwGYdJhD8wCgYIKoZIzj0EAwIw
GTEXMBUGA1UECgwOZ2xhc3NtZXNoIHRlc3QwIBcNMjYxMTIwMTAwMzMwWhgPMjEy
NjEwMjcxMDAzMzBaMBkxFzAVBgNVBAoMDmdsYXNzbWVzaCB0ZXN0MFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAEQgfv9CC0Y0GQujN7oFsd0VlcxpOYL6hgIfc71WxM
kMNR7PPSqFe26uCfk0HGy684TYrpuFEeCN4lO+F5hPIyA6OBjTCBijAdBgNVHQ4E
FgQU0uvDW+PAiL8VY2xgTXI9YcDP9MwwHwYDVR0jBBgwFoAU0uvDW+PAiL8VY2xg
TXI9YcDP9MwwDwYDVR0TAQH/BAUwAwEB/zA3BgNVHREEMDAuhixzcGlmZmU6Ly9j
bHVzdGVyLmxvY2FsL25zL2RlZmF1bHQvc2EvZGVmYXVsdDAKBggqhkjOPQQDAgNI
ADBFAiEAynC1HzM9bXKIcnr7ABrVqJwOlKMh1VQTruF5hl+OpoECIH1rdmYAGuAA
ZWmb0p+J3OFT0KRUbnlVb6DmDLJ2DebC
-----END CERTIFICATE-----
`

/** The key of the throwaway certificate. */
export const throwawayKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgNAyR/1nSoBFXgwiw
W8dPWjxniOsOcJYZYSkRlD7rGN+hRANCAARCB+/0ILRjQZC6M3ugWx3RWVzGk5gv
qGAh9zvVbEyQw1Hs89KoV7bq4J+TQcbLrzhNium4UR4I3iU74XmE8jID
-----END PRIVATE KEY-----
`
