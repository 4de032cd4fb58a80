// Package e2e uses the deployed application in a real browser, as people do, by the
// names that a screen reader reads. It manages todos by hand and in the chat,
// through reloads and restarts, and takes a picture of every state.
//
// It deploys nothing. Environment variables name the application:
//
//	TODO_TEST_URL         its URL, on 127.0.0.1; without it the test is skipped
//	TODO_TEST_KUBECONFIG  its cluster; without it nothing is restarted
//	TODO_TEST_CONTEXT     the context in that kubeconfig; default: the current one
//	TODO_TEST_NAMESPACE   its namespace
//	TODO_TEST_RELEASE     its release
//	TODO_TEST_OUT         the folder for e2e/ with the pictures; default build
//	TODO_CHROMIUM         the browser; default chromium, chromium-browser or
//	                      google-chrome on the PATH
package e2e
