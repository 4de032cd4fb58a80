// Package e2e uses the deployed application as people do: in a real browser,
// by the names that a screen reader would say. It keeps a list by hand and by
// talking to the assistant, through reloads and restarts, and takes a picture
// of every state it comes through.
//
// It deploys nothing. Where the application is, it learns from the environment:
//
//	TODO_TEST_URL         its address, on 127.0.0.1; without it nothing is tried
//	TODO_TEST_KUBECONFIG  the cluster it runs in; without it nothing is restarted
//	TODO_TEST_NAMESPACE   where it is there
//	TODO_TEST_RELEASE     which of the releases there it is
//	TODO_TEST_OUT         the folder in which e2e/ gets the pictures, where it is not build
//	TODO_CHROMIUM        the browser, where it is not chromium, chromium-browser
//	                     or google-chrome on the PATH
package e2e
