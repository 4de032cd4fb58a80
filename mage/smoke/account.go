package smoke

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// signUp creates one account for all checks, because no API can remove accounts. Its
// email address shows that a smoke check created it.
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
		return "", got.unexpected("a user_id and a JWT for that user")
	}
	v.userID, v.token = given.UserID, given.Token
	return email, nil
}

// subject returns the sub claim of a JWT. It does not verify the signature, which the
// backend does.
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

// api returns the path of a user's resource.
func api(user, resource string) string { return "/api/" + url.PathEscape(user) + "/" + resource }

func (v *visit) noToken(ctx context.Context) (string, error) {
	for _, token := range []string{"", "not-a-token", tampered(v.token)} {
		_, err := v.want(ctx, ask{method: http.MethodGet, path: api(v.userID, "tasks"), token: token}, http.StatusUnauthorized)
		if err != nil {
			return "", err
		}
	}
	return "missing, invalid and forged tokens refused", nil
}

// tampered changes the signature of a token and keeps its form.
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
