package smoke

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// signUp makes an account, which no API can remove, so that one is enough for
// all checks. Its address says where it comes from.
func (v *visit) signUp(ctx context.Context) (string, error) {
	email := "smoke-" + v.id + "@example.com"
	account := map[string]string{"name": "Smoke Test", "email": email, "password": "smoke-" + v.id + "-" + v.id}
	if _, err := v.want(ctx, ask{method: http.MethodPost, path: "/api/auth/sign-up/email", body: account}, http.StatusOK); err != nil {
		return "", err
	}
	var given struct {
		Token  string `json:"token"`
		UserID string `json:"user_id"`
	}
	got, err := v.decode(ctx, ask{method: http.MethodGet, path: "/api/auth/token"}, http.StatusOK, &given)
	if err != nil {
		return "", err
	}
	if given.UserID == "" || subject(given.Token) != given.UserID {
		return "", got.unexpected("user_id, and a JWT issued for it as token")
	}
	v.userID, v.token = given.UserID, given.Token
	return email, nil
}

// subject reads a JWT's sub claim without verifying it: that is the backend's work.
func subject(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return ""
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	var claims struct{ Sub string }
	if json.Unmarshal(payload, &claims) != nil {
		return ""
	}
	return claims.Sub
}

// api is the path of a resource of a user.
func api(user, resource string) string { return "/api/" + url.PathEscape(user) + "/" + resource }

func (v *visit) noToken(ctx context.Context) (string, error) {
	for _, token := range []string{"", "not-a-token", tampered(v.token)} {
		_, err := v.want(ctx, ask{method: http.MethodGet, path: api(v.userID, "tasks"), token: token}, http.StatusUnauthorized)
		if err != nil {
			return "", err
		}
	}
	return "none, bad and forged refused", nil
}

// tampered breaks a token's signature and leaves its form intact.
func tampered(token string) string {
	i := strings.LastIndexByte(token, '.') + 1
	replacement := "A"
	if strings.HasPrefix(token[i:], "A") {
		replacement = "B"
	}
	return token[:i] + replacement + token[min(i+1, len(token)):]
}

func (v *visit) anotherUser(ctx context.Context) (string, error) {
	_, err := v.want(ctx, ask{method: http.MethodGet, path: api("someone-"+v.id, "tasks"), token: v.token}, http.StatusForbidden)
	return "", err
}
